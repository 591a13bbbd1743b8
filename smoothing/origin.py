"""Which examples something was learned from, and whether an adversary may change any of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPELLING = re.compile(r"(?P<source>[^\s\[\]]+)(?:\s+(?P<part>[^\s\[\]]+?)(?:\[(?P<start>\d*):(?P<stop>\d*)\])?)?")


@dataclass(frozen=True)
class Origin:
    """Examples of a data set: all of it, one of its parts, a range of positions there, or some classes of these.

    Attributes:
        source: Name of the data set, for example ``"MNIST"``.
        part: Name of a part of it, ``"train"`` or ``"test"``; empty for all parts.
        start: First position within the part, at least 0.
        stop: The position after the last one; None for the end of the part.
        classes: Numbers of the classes in that data set; None for all.

    Raises:
        ValueError: If the range holds no position.
    """

    source: str
    part: str = ""
    start: int = 0
    stop: int | None = None
    classes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise ValueError(f"Origin: range = {self.range}; must be from a position to a later one")

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read ``"MNIST"``, ``"MNIST train"``, ``"MNIST train[30000:60000]"`` or ``"MNIST train[30000:]"``.

        Raises:
            ValueError: If the text is none of these.
        """
        read = _SPELLING.fullmatch(text.strip())
        if read is None:
            raise ValueError(f"Origin: {text!r}; must be like 'MNIST', 'MNIST train' or 'MNIST train[30000:60000]'")
        start, stop = read["start"], read["stop"]
        return cls(read["source"], read["part"] or "", int(start or 0), int(stop) if stop else None)

    @property
    def range(self) -> str:
        """The positions, as in ``[30000:60000]``; empty for all."""
        if self.start == 0 and self.stop is None:
            return ""
        return f"[{self.start or ''}:{'' if self.stop is None else self.stop}]"

    def __str__(self) -> str:
        """What `parse` reads, after the classes."""
        chosen = "" if self.classes is None else f"classes {', '.join(map(str, self.classes))} of "
        return f"{chosen}{' '.join(filter(None, (self.source, self.part)))}{self.range}"

    def overlaps(self, other: "Origin") -> bool:
        """Whether the two may share an example."""
        if self.source != other.source:
            return False
        if self.part and other.part and self.part != other.part:
            return False
        # Positions count within a part: they say nothing where one of the two has all parts.
        if self.part and other.part:
            first, last = sorted((self, other), key=lambda origin: origin.start)
            if first.stop is not None and first.stop <= last.start:
                return False
        return None in (self.classes, other.classes) or bool(set(self.classes or ()) & set(other.classes or ()))


def refuse_seen(component: str, trained_on: Sequence[Origin], attacked: Origin) -> None:
    """Refuse what was learned from examples that an adversary may change (THEORY.md section 6).

    It is a function of the object that is randomised, beside the measure, so that no certificate covers it.

    Args:
        component: What was learned, for example the class of a denoiser.
        trained_on: What it was learned from.
        attacked: The examples that the adversary may change.

    Raises:
        ValueError: If the two may share an example.
    """
    for seen in trained_on:
        if seen.overlaps(attacked):
            raise ValueError(
                f"{component}: trained_on = {seen}; must share no example with {attacked}, which is under attack"
            )
