"""Votes of learners on the parts of a partition."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from torch import Tensor

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.threads import for_each, one_thread
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.parts.part_votes import PartVotes, Poll, check_repeats
from smoothing.votes.parts.partition_rules import Partition
from smoothing.votes.reads import leak

LEARNERS_AT_A_TIME = 16


class Partitions(PartVotes):
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

    def __init__(
        self,
        learner: PartLearner,
        parts: int,
        spread: int = 1,
        partition: Partition | None = None,
        transforms: Sequence[Transform] = (),
        seed: int = 0,
    ) -> None:
        super().__init__(parts, spread, partition, seed)
        self.learner = learner
        self.transforms = list(transforms)
        self.assumptions = (*self.partition.assumptions, *learner.assumptions)

    def train(self, x: Tensor) -> None:
        """Fit the transforms to all inputs, and train the learners."""
        self.width = x.shape[1:].numel()
        features = fit_all(self.transforms, x.flatten(1).double())
        self.learners = [deepcopy(self.learner) for _ in self.seen]

        def learn(number: int) -> None:
            examples = self.seen[number]
            self.learners[number].learn(features[examples], self.labels[examples], self.num_classes)

        def first_scores() -> Tensor:
            learn(0)
            return self.learners[0].class_scores(features[self.seen[0]])

        def work(some: slice) -> None:
            for number in range(len(self.learners))[some]:
                learn(number)

        with one_thread():
            check_repeats(self, self.learner, first_scores)
        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)

    def features(self, x: Tensor) -> Tensor:
        """Return the features ``(batch, k)`` float64 of inputs ``(batch, ...)``."""
        return features_of(self.transforms, x, self.labels.device, self.width)

    def poll(self, x: Tensor, index: Tensor | None = None) -> Poll:
        """Return the class scores of all learners for inputs ``(batch, ...)``; see `PartVotes.poll`."""
        features = self.features(x)
        scores = np.empty((len(x), len(self.learners), self.num_classes))

        def work(some: slice) -> None:
            for number in range(len(self.learners))[some]:
                scores[:, number] = self.learners[number].class_scores(features).numpy()

        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)
        return Poll(scores, self.reached)

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, or None; see `PartVotes.supports`."""
        leaks = (leak("transforms", transform, transform.reads, measure.distance) for transform in self.transforms)
        return super().supports(measure) or next(filter(None, leaks), None)
