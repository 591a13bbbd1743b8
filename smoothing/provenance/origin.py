"""Which examples something was learned from, and whether an adversary may change any of them.

What was learned from examples that an adversary may change is a function of the object that is randomised, beside the
measure, so that no certificate covers it (THEORY.md section 6).
"""

import re
from dataclasses import dataclass

PARTS = ("train", "test")
"""Parts that data sets come in."""

_SPELLING = re.compile(
    r"(?:classes (?P<classes>\d+(?:, \d+)*) of )?(?P<source>[^\s\[\]](?:[^\[\]]*?[^\s\[\]])??)"
    rf"(?:\s+(?P<part>{'|'.join(PARTS)})(?:\[(?P<start>\d*):(?P<stop>\d*)\])?)?"
)


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
        """Read ``"MNIST"``, ``"MNIST train"``, ``"MNIST train[:30000]"`` or ``"classes 1, 7 of MNIST train[30000:]"``.

        Raises:
            ValueError: If the text is none of these.
        """
        read = _SPELLING.fullmatch(text.strip())
        if read is None:
            raise ValueError(f"Origin: {text!r}; must be like 'MNIST', 'MNIST train' or 'MNIST train[30000:60000]'")
        start, stop, classes = read["start"], read["stop"], read["classes"]
        return cls(
            source=read["source"],
            part=read["part"] or "",
            start=int(start or 0),
            stop=int(stop) if stop else None,
            classes=tuple(map(int, classes.split(", "))) if classes else None,
        )

    @property
    def range(self) -> str:
        """The positions, as in ``[30000:60000]``; empty for all."""
        if self.start == 0 and self.stop is None:
            return ""
        return f"[{self.start or ''}:{'' if self.stop is None else self.stop}]"

    def __str__(self) -> str:
        """What `parse` reads."""
        chosen = "" if self.classes is None else f"classes {', '.join(map(str, self.classes))} of "
        return f"{chosen}{' '.join(filter(None, (self.source, self.part)))}{self.range}"

    def overlaps(self, other: "Origin") -> bool:
        """Whether the two may share an example.

        A data set is known by its name in any spelling, ``CIFAR-10`` as ``CIFAR10``, and among other words or at the
        head of one, as in ``ImageNet, CIFAR10`` or ``ImageNet-1k``: of what stands around it nothing is sure, so that
        it may be all of the data set.
        """
        if _folded(self.source) != _folded(other.source):
            return self._names(other) or other._names(self)
        if self.part and other.part and self.part != other.part:
            return False
        # Positions count within a part: they say nothing where one of the two has all parts.
        if self.part and other.part:
            first, last = sorted((self, other), key=lambda origin: origin.start)
            if first.stop is not None and first.stop <= last.start:
                return False
        return None in (self.classes, other.classes) or bool(set(self.classes or ()) & set(other.classes or ()))

    def chosen_by_labels_of(self, other: "Origin") -> bool:
        """Whether labels of the other's examples decide which of them are here: some of its classes are, others not."""
        if self.classes is None or not self.overlaps(other):
            return False
        return other.classes is None or not set(other.classes) <= set(self.classes)

    def _names(self, other: "Origin") -> bool:
        """Whether some words of the source in a row are the name of the other one, or begin with it."""
        words = re.split(r"[^\w-]+", self.source)
        rows = ("".join(words[start:end]) for end in range(len(words) + 1) for start in range(end))
        heads = (row[: cut.start()] for row in rows for cut in re.finditer(r"[-_]|$", row))
        return any(_without_size(head) == _without_size(other.source) for head in heads)


def _folded(name: str) -> str:
    """What all spellings of a name have in common."""
    return re.sub(r"[\W_]", "", name).casefold() or name


def _without_size(name: str) -> str:
    """A name in any spelling, without thousands at its end as in ``ImageNet-1k``."""
    return re.sub(r"(?<=[^\W\d])\d+k$", "", _folded(name))
