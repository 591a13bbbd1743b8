"""Setups of poisoning attacks: the target, the class intended for it, and the training images that may be changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

import torch

from datamodules.base import DataModule
from smoothing.arguments import at_least, refuse, refuse_words, sequence
from smoothing.numerics.random import generator

DRAWN = 0x5E7
"""Key of the stream from which setups are drawn."""


@dataclass(frozen=True)
class Setup:
    """Target of an attack and the training images that it may change. Classes are labels ``0 .. K-1`` of a data module.

    Attributes:
        target: Position of the target in the test set.
        target_class: Label of the target.
        intended: Class that the attack wants to be predicted for the target. The changed images keep this label.
        bases: Positions in the training set of the images that may be changed, each once; kept as a tuple.

    Raises:
        ValueError: If a number is below 0, a position occurs twice, there is no base, or the target is of the intended
            class.
    """

    target: int
    target_class: int
    intended: int
    bases: Sequence[int]

    def __post_init__(self) -> None:
        at_least(self, 0, target=self.target, target_class=self.target_class, intended=self.intended)
        sequence(self, bases=self.bases)
        for base in self.bases:
            at_least(self, 0, bases=base)
        object.__setattr__(self, "bases", tuple(index(base) for base in self.bases))
        if self.intended == self.target_class:
            refuse(self, "intended", self.intended, "another class than that of the target")
        if not self.bases or len(set(self.bases)) < len(self.bases):
            refuse(self, "bases", list(self.bases), "at least one position, each once")

    def check(self, data: DataModule) -> None:
        """Raise unless the setup fits a data module, of which `setup` was called.

        Args:
            data: The clean data.

        Raises:
            ValueError: If a position is beyond its set, or a label differs from the label in the data.
        """
        tests, (_, labels) = data.test_set(), data.training_set()
        if self.target >= (number := len(tests)):  # type: ignore[arg-type]  # every test set has a length
            refuse(self, "target", self.target, f"below {number}, the number of test examples")
        if max(self.bases) >= len(labels):
            refuse(self, "bases", max(self.bases), f"below {len(labels)}, the number of training examples")
        if self.intended >= data.num_classes:
            refuse(self, "intended", self.intended, f"below {data.num_classes}, the number of classes")
        if (label := tests[self.target][2]) != self.target_class:
            refuse(self, "target_class", self.target_class, f"{label}, the label of test example {self.target}")
        chosen = labels[list(self.bases)]
        if (other := chosen != self.intended).any():
            first = int(other.nonzero()[0])
            found = f"training example {self.bases[first]} of class {int(chosen[first])}"
            refuse_words(self, "bases", found, f"of the intended class {self.intended}")


def draw_setups(data: DataModule, number: int, bases: int, seed: int = 0) -> list[Setup]:
    """Draw setups as the benchmark of Schwarzschild et al. (2021) does: random targets, classes and bases.

    Args:
        data: The clean data, of which `setup` was called.
        number: Number of setups, at least 1.
        bases: Number of training images per setup, at least 1.
        seed: Seed of the draws, at least 0.

    Returns:
        Setups with different targets.

    Raises:
        ValueError: If a number is out of range, a class has too few training images, or there are too few targets.
    """
    at_least("draw_setups", 1, number=number, bases=bases)
    at_least("draw_setups", 0, seed=seed)
    tests, (_, labels) = data.test_set(), data.training_set()
    if number > (available := len(tests)):  # type: ignore[arg-type]  # every test set has a length
        refuse("draw_setups", "number", number, f"at most {available}, the number of test examples")
    least = int(labels.bincount(minlength=data.num_classes).min())
    if bases > least:
        refuse("draw_setups", "bases", bases, f"at most {least}, the number of training images of the smallest class")
    source = generator((seed, DRAWN))
    setups = []
    for target in torch.randperm(available, generator=source)[:number].tolist():
        label = tests[target][2]
        others = [k for k in range(data.num_classes) if k != label]
        intended = others[int(torch.randint(len(others), (), generator=source))]
        members = (labels == intended).nonzero().flatten()
        chosen = members[torch.randperm(len(members), generator=source)[:bases]]
        setups.append(Setup(target, label, intended, tuple(sorted(chosen.tolist()))))
    return setups
