"""Votes of learners on the parts of a partition."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.arguments import at_least
from smoothing.distance import Distance
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import changes_examples
from smoothing.numerics.threads import for_each
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.parts.partition_rules import ByContent, Partition
from smoothing.votes.reads import leak
from smoothing.votes.votes import LabelVotes

LEARNERS_AT_A_TIME = 16


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


class Partitions(LabelVotes):
    """Votes of learners that are each trained on some parts of the training set.

    Ties go to the class with the smallest number. With a spread of 1, one learner is trained per part: deep partition
    aggregation (Levine & Feizi 2021). A larger spread is Finite Aggregation (Wang et al. 2022, where ``kd`` is
    ``parts`` and ``d`` is ``spread``): each learner is trained on ``spread`` parts, and each part is used by ``spread``
    learners.

    Against label flips, partition and transforms may use all *inputs* freely (SS-DPA). Against inserted, deleted and
    changed examples, one change must not move anything beyond its parts: the partition must be `ByHash`, or
    `ByPosition` for changes in place, and transforms must have nothing to fit (THEORY.md section 8). Transforms of a
    learner are fitted to its own part.

    Args:
        learner: The learner, which is copied.
        parts: Number of parts and of learners, from 1 to n.
        spread: Number of learners that use each part, from 1 to ``parts``.
        partition: Rule that partitions the training set; `ByContent` by default.
        transforms: Feature transforms, fitted on all training inputs.
        seed: Seed of the assignment of parts to learners, at least 0.

    Raises:
        ValueError: If an argument is out of its range. In `fit`, if a learner has no example.

    Attributes:
        learners: Learners, after `fit`.
        seen: Positions of the training examples of each learner, after `fit`, in the order of the partition.
    """

    reads = "own part only"

    def __init__(
        self,
        learner: PartLearner,
        parts: int,
        spread: int = 1,
        partition: Partition | None = None,
        transforms: Sequence[Transform] = (),
        seed: int = 0,
    ) -> None:
        at_least(self, 1, parts=parts)
        if not 1 <= spread <= parts:
            raise ValueError(f"Partitions: spread = {spread}; must be from 1 to {parts}, the number of parts")
        at_least(self, 0, seed=seed)
        self.learner = learner
        self.parts = parts
        self.partition = partition or ByContent()
        self.transforms = list(transforms)
        self.assumptions = (*self.partition.assumptions, *learner.assumptions)
        shifts = np.random.default_rng(seed).permutation(parts)[:spread]
        self.reached: NDArray[np.int64] = (np.arange(parts)[:, None] + shifts) % parts

    @property
    def spread(self) -> int:
        """Number of learners that use each part."""
        return int(self.reached.shape[1])

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Partition the training set and train the learners; see `Votes.fit`."""
        x, labels = checked_training_set(x, labels, num_classes)
        if self.parts > len(x):
            raise ValueError(f"Partitions: parts = {self.parts}; must be at most {len(x)}, the number of examples")
        self.num_classes = num_classes
        self.labels = labels
        self.width = x.shape[1:].numel()
        inputs = x.flatten(1)
        features = fit_all(self.transforms, inputs.double())
        self.seen = self._examples(
            self.partition.assign(inputs, self.labels, self.parts), self.partition.order(inputs, self.labels)
        )
        self.learners = [deepcopy(self.learner) for _ in self.seen]

        def work(some: slice) -> None:
            for learner, examples in zip(self.learners[some], self.seen[some], strict=True):
                learner.learn(features[examples], self.labels[examples], num_classes)

        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)

    def _examples(self, part: Tensor, order: Tensor) -> list[Tensor]:
        """Return the positions of the examples of each learner, given the part of each example and their order."""
        place = order.argsort()
        members = part.argsort(stable=True).split(part.bincount(minlength=self.parts).tolist())
        taught_by = np.argsort(self.reached, axis=None, kind="stable").reshape(self.parts, -1) // self.spread
        seen = [order[torch.cat([place[members[p]] for p in parts]).sort().values] for parts in taught_by.tolist()]
        for number, examples in enumerate(seen):
            if not len(examples):
                raise ValueError(f"Partitions: parts = {self.parts}; must be fewer, learner {number} has no example")
        return seen

    def features(self, x: Tensor) -> Tensor:
        """Return the features ``(batch, k)`` float64 of inputs ``(batch, ...)``."""
        return features_of(self.transforms, x, self.labels.device, self.width)

    def poll(self, x: Tensor) -> Poll:
        """Return the class scores of all learners for inputs ``(batch, ...)``."""
        features = self.features(x)
        scores = np.empty((len(x), len(self.learners), self.num_classes))

        def work(some: slice) -> None:
            for number in range(len(self.learners))[some]:
                scores[:, number] = self.learners[number].class_scores(features).numpy()

        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)
        return Poll(scores, self.reached)

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, or None.

        Learners are trained once, on examples without noise. In its distance, one change must move nothing beyond the
        parts of the changed example.
        """
        return super().supports(measure) or changes_examples(measure) or self._leak(measure.distance)

    def _leak(self, distance: Distance) -> str | None:
        if self.partition.touched(distance) is None:
            rule, reads = type(self.partition).__name__, self.partition.reads
            return (
                f"partition = {rule}, which reads {reads} of the training set: one change can move examples between "
                f"many parts; must be ByHash for radii in {distance.unit}"
            )
        leaks = (leak("transforms", transform, transform.reads, distance) for transform in self.transforms)
        return next(filter(None, leaks), None)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count identical draws, since no label changes; see `Votes.counts`."""
        x, _ = checked_batch(x, index)
        return draws * one_hot(torch.from_numpy(self.poll(x).tally.argmax(1)), self.num_classes)
