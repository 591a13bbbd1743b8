"""The contract of votes of learners on the parts of a partition."""

import random
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.arguments import at_least, refuse
from smoothing.distance import Distance
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import changes_examples
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.partition_rules import ByContent, Partition
from smoothing.votes.votes import LabelVotes

MOST_PAIRS = 10**8
"""Largest number of pairs of a part and a learner that is trained on it, 8 bytes each."""


@dataclass(frozen=True)
class Poll:
    """Class scores of the learners of a partition for one batch.

    Attributes:
        class_scores: Scores, ``(batch, learners, K)`` float64.
        reached: Learners that are trained on each part, ``(parts, spread)`` int64.
    """

    class_scores: NDArray[np.float64]
    reached: NDArray[np.int64]

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return int(self.class_scores.shape[2])

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """Class that each learner predicts, ``(batch, learners)``."""
        return np.asarray(self.class_scores.argmax(2), np.int64)

    @cached_property
    def tally(self) -> NDArray[np.int64]:
        """Number of votes for each class, ``(batch, K)``."""
        return np.asarray((self.votes[:, :, None] == np.arange(self.num_classes)).sum(1), np.int64)


class PartVotes(LabelVotes):
    """Base class of votes of learners that are each trained on some parts of the training set.

    Ties go to the class with the smallest number. A new vote is a subclass with `train` and `poll`.

    Args:
        parts: Number of parts and of learners, from 1 to n.
        spread: Number of learners that use each part, from 1 to ``parts``.
        partition: Rule that partitions the training set; `ByContent` by default.
        seed: Seed of the assignment of parts to learners, at least 0.

    Raises:
        ValueError: If an argument is out of its range. In `fit`, if a learner has no example.

    Attributes:
        seen: Positions of the training examples of each learner, after `fit`, in the order of the partition.
    """

    reads = "own part only"

    def __init__(self, parts: int, spread: int, partition: Partition | None, seed: int) -> None:
        name = type(self).__name__
        at_least(self, 1, parts=parts)
        if not 1 <= spread <= parts:
            raise ValueError(f"{name}: spread = {spread}; must be from 1 to {parts}, the number of parts")
        if spread > 1 and parts * spread > MOST_PAIRS:
            refuse(self, "spread", spread, f"at most {MOST_PAIRS // parts}, since parts = {parts}")
        at_least(self, 0, seed=seed)
        self.parts = parts
        self.spread = spread
        self.partition = partition or ByContent()
        self.seed = seed

    @property
    def reached(self) -> NDArray[np.int64]:
        """Learners that are trained on each part, ``(parts, spread)`` int64."""
        shifts = np.random.default_rng(self.seed).permutation(self.parts)[: self.spread]
        return np.asarray((np.arange(self.parts)[:, None] + shifts) % self.parts, np.int64)

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Partition the training set and train the learners; see `Votes.fit`."""
        x, labels = checked_training_set(x, labels, num_classes)
        if self.parts > len(x):
            raise ValueError(
                f"{type(self).__name__}: parts = {self.parts}; must be at most {len(x)}, the number of examples"
            )
        self.num_classes = num_classes
        self.labels = labels
        inputs = x.flatten(1)
        # A rule without assumptions gets no labels, so that its parts cannot depend on them.
        shown = labels if self.partition.assumptions else labels[:0]
        self.seen = self._examples(
            self.partition.assign(inputs, shown, self.parts), self.partition.order(inputs, self.labels)
        )
        self.train(x)

    @abstractmethod
    def train(self, x: Tensor) -> None:
        """Train the learners on the training inputs ``(n, ...)``, or prepare to train them."""

    @abstractmethod
    def poll(self, x: Tensor, index: Tensor) -> Poll:
        """Return the class scores of all learners for inputs ``(batch, ...)``, with their positions ``(batch,)``."""

    def _examples(self, part: Tensor, order: Tensor) -> list[Tensor]:
        """Return the positions of the examples of each learner, given the part of each example and their order."""
        place = order.argsort()
        members = part.argsort(stable=True).split(part.bincount(minlength=self.parts).tolist())
        taught_by = np.argsort(self.reached, axis=None, kind="stable").reshape(self.parts, -1) // self.spread
        seen = [order[torch.cat([place[members[p]] for p in parts]).sort().values] for parts in taught_by.tolist()]
        for number, examples in enumerate(seen):
            if not len(examples):
                name = type(self).__name__
                raise ValueError(f"{name}: parts = {self.parts}; must be fewer, learner {number} has no example")
        return seen

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, or None.

        Learners are trained once, on examples without noise. In its distance, one change must move nothing beyond the
        parts of the changed example (THEORY.md section 8).
        """
        return super().supports(measure) or changes_examples(measure) or self._moved(measure.distance)

    def _moved(self, distance: Distance) -> str | None:
        """Return why one change can move examples between parts, or None."""
        if self.partition.touched(distance) is not None:
            return None
        rule, reads = type(self.partition).__name__, self.partition.reads
        return (
            f"partition = {rule}, which reads {reads} of the training set: one change can move examples between many "
            f"parts; must be ByHash for radii in {distance.unit}"
        )

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count identical draws, since no example changes; see `Votes.counts`."""
        x, index = checked_batch(x, index)
        return draws * one_hot(torch.from_numpy(self.poll(x, index).tally.argmax(1)), self.num_classes)


def check_repeats(owner: object, learner: object, train: Callable[[], Tensor]) -> None:
    """Raise if a learner has randomness of its own.

    Args:
        owner: Votes that use the learner, for the message.
        learner: The learner, for the message.
        train: Trains on one part and returns scores or predictions. It is called twice.

    Raises:
        ValueError: If two trainings differ, or training draws from a global generator of torch, NumPy or Python.
    """
    before = _global_states()
    first = train()
    if _global_states() != before or not torch.equal(first, train()):
        raise ValueError(
            f"{type(owner).__name__}: learner = {type(learner).__name__}, which has randomness of its own; must be a "
            "function of its examples and a seed"
        )


def _global_states() -> tuple[object, ...]:
    state = np.random.get_state(legacy=False)["state"]
    return torch.get_rng_state().tolist(), state["key"].tolist(), state["pos"], random.getstate()
