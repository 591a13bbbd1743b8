"""Where examples come from, so that it can be told whether a component has seen the data under attack."""

import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(
    r"(?:classes (?P<classes>\d+(?:, ?\d+)*) of )?(?P<name>.*?\S)"
    r"(?: (?P<split>train|test)(?:\[(?P<start>\d*):(?P<stop>\d*)\])?)?"
)


@dataclass(frozen=True)
class Source:
    """Some examples of a published data set.

    It is spelled as in ``"MNIST"``, ``"CIFAR10 test[0:5000]"`` or ``"classes 1, 7 of MNIST train"``; what is left
    out is not restricted.

    Attributes:
        name: The data set.
        classes: Numbers of the classes in it; None is all.
        split: ``"train"`` or ``"test"``; None is both.
        start: Position in the split, as published, of the first example, at least 0.
        stop: Position after the last one; None is the end of the split.
    """

    name: str
    classes: frozenset[int] | None = None
    split: str | None = None
    start: int = 0
    stop: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a source.

        Raises:
            ValueError: If it names no data set, or an empty range.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(f"source: {text!r}; must name a data set, for example 'MNIST' or 'MNIST train[0:2000]'")
        classes = form["classes"]
        start, stop = (int(form[end]) if form[end] else None for end in ("start", "stop"))
        if stop is not None and stop <= (start or 0):
            raise ValueError(f"source: {text!r}; the range must hold an example")
        numbers = None if classes is None else frozenset(int(number) for number in classes.split(","))
        return cls(form["name"], numbers, form["split"], start or 0, stop)

    @property
    def examples(self) -> slice:
        """Positions in the split."""
        return slice(self.start, self.stop)

    def overlaps(self, other: "Source") -> bool:
        """Whether an example may be of both. Data sets are known by name, whatever its case, hyphens and spaces."""
        return (
            _plain(self.name) == _plain(other.name)
            and (self.classes is None or other.classes is None or bool(self.classes & other.classes))
            and (self.split is None or other.split is None or self.split == other.split)
            and (self.stop is None or other.start < self.stop)
            and (other.stop is None or self.start < other.stop)
        )

    def __str__(self) -> str:
        ends = f"[{self.start}:{'' if self.stop is None else self.stop}]" if self.start or self.stop else ""
        classes = "" if self.classes is None else f"classes {', '.join(map(str, sorted(self.classes)))} of "
        return f"{classes}{self.name}{f' {self.split}{ends}' if self.split else ''}"


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
