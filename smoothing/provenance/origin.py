"""Origin of training data: which examples a network was trained on, and whether an adversary can change them.

If an adversary can change these examples, the network depends on the randomised object in another way than through
the measure. Then no certificate covers it (THEORY.md section 6).
"""

import re
from dataclasses import dataclass

PARTS = ("train", "test")
"""Names of the parts of a data set."""

_SPELLING = re.compile(
    r"(?:classes (?P<classes>\d+(?:, \d+)*) of )?(?P<source>[^\s\[\]](?:[^\[\]]*?[^\s\[\]])??)"
    rf"(?:\s+(?P<part>{'|'.join(PARTS)})(?:\[(?P<start>\d*):(?P<stop>\d*)\])?)?"
)


@dataclass(frozen=True)
class Origin:
    """Examples of a data set: all of them, one part, a range of positions in a part, or some classes of these.

    Attributes:
        source: Name of the data set, for example ``"MNIST"``.
        part: Name of its part, ``"train"`` or ``"test"``; empty for all parts.
        start: First position within the part, at least 0.
        stop: Position after the last one; None for the end of the part.
        classes: Numbers of the classes in the data set; None for all.

    Raises:
        ValueError: If the range is empty.
    """

    source: str
    part: str = ""
    start: int = 0
    stop: int | None = None
    classes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise ValueError(f"Origin: range = {self.range}; must be non-empty and start at 0 or later")

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Parse ``"MNIST"``, ``"MNIST train"``, ``"MNIST train[:30000]"`` or ``"classes 1, 7 of MNIST train[30000:]"``.

        Raises:
            ValueError: If the text has none of these forms.
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
        """Range of positions, for example ``[30000:60000]``; empty for all positions."""
        if self.start == 0 and self.stop is None:
            return ""
        return f"[{self.start or ''}:{'' if self.stop is None else self.stop}]"

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        chosen = "" if self.classes is None else f"classes {', '.join(map(str, self.classes))} of "
        return f"{chosen}{' '.join(filter(None, (self.source, self.part)))}{self.range}"

    def overlaps(self, other: "Origin") -> bool:
        """Return whether the two origins can have an example in common.

        Data sets are compared by name, in any spelling: ``CIFAR-10`` equals ``CIFAR10``. A name is also found among
        other words, and at the beginning of a word, as in ``ImageNet, CIFAR10`` or ``ImageNet-1k``. Then nothing is
        certain about part, positions and classes, so that the whole data set is assumed.
        """
        if _folded(self.source) != _folded(other.source):
            return self._names(other) or other._names(self)
        if self.part and other.part and self.part != other.part:
            return False
        # Positions are relative to a part: they cannot be compared if one origin covers all parts.
        if self.part and other.part:
            first, last = sorted((self, other), key=lambda origin: origin.start)
            if first.stop is not None and first.stop <= last.start:
                return False
        return None in (self.classes, other.classes) or bool(set(self.classes or ()) & set(other.classes or ()))

    def chosen_by_labels_of(self, other: "Origin") -> bool:
        """Return whether labels select which examples of the other origin are here: some of its classes, not all."""
        if self.classes is None or not self.overlaps(other):
            return False
        return other.classes is None or not set(other.classes) <= set(self.classes)

    def _names(self, other: "Origin") -> bool:
        """Return whether consecutive words of the source are the name of the other source, or begin with it."""
        words = re.split(r"[^\w-]+", self.source)
        rows = ("".join(words[start:end]) for end in range(len(words) + 1) for start in range(end))
        heads = (row[: cut.start()] for row in rows for cut in re.finditer(r"[-_]|$", row))
        return any(_without_size(head) == _without_size(other.source) for head in heads)


def _folded(name: str) -> str:
    """Normalise the spelling of a name: no punctuation, no case."""
    return re.sub(r"[\W_]", "", name).casefold() or name


def _without_size(name: str) -> str:
    """Normalise the spelling of a name and remove a number of thousands at its end, as in ``ImageNet-1k``."""
    return re.sub(r"(?<=[^\W\d])\d+k$", "", _folded(name))
