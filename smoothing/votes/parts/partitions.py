"""Parts of a training set, each of which teaches learners of its own."""

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
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import changes_labels
from smoothing.numerics.threads import for_each
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.parts.partition_rules import ByContent, Partition
from smoothing.votes.votes import LabelVotes

LEARNERS_AT_A_TIME = 16


@dataclass(frozen=True)
class Poll:
    """What the learners of a partition say of a batch.

    Attributes:
        class_scores: ``(batch, learners, K)`` float64.
        reached: ``(parts, spread)`` int64: the learners that each part teaches.
    """

    class_scores: NDArray[np.float64]
    reached: NDArray[np.int64]

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return int(self.class_scores.shape[2])

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """``(batch, learners)`` class that each learner votes for."""
        return np.asarray(self.class_scores.argmax(2), np.int64)

    @cached_property
    def tally(self) -> NDArray[np.int64]:
        """``(batch, K)`` votes for each class."""
        return np.asarray((self.votes[:, :, None] == np.arange(self.num_classes)).sum(1), np.int64)


class Partitions(LabelVotes):
    """Learners that each see some parts of the training set vote; ties go to the class with the smallest number.

    With a spread of 1 every part teaches one learner: deep partition aggregation, which for label flips may use all
    *inputs* freely (SS-DPA, Levine & Feizi 2021). A larger spread is Finite Aggregation (Wang et al. 2022, whose
    ``kd`` is ``parts`` and whose ``d`` is ``spread``): each learner sees as many parts as each part teaches learners.

    Args:
        learner: What is taught; a copy for each.
        parts: Number of parts and of learners, from 1 to n.
        spread: Number of learners that each part teaches, from 1 to ``parts``.
        partition: Rule that parts the training set.
        transforms: Feature transforms, fitted on all training inputs.
        seed: What decides which learners a part teaches, at least 0.

    Raises:
        ValueError: If an argument is out of its range; on fitting, if a learner is left without an example.

    Attributes:
        learners: The learners, after `fit`.
        seen: Positions of the examples that each learner sees, after `fit`.
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
        """Number of learners that each part teaches."""
        return int(self.reached.shape[1])

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Part the training set and teach the learners; see `Votes.fit`."""
        x, labels = checked_training_set(x, labels, num_classes)
        if self.parts > len(x):
            raise ValueError(f"Partitions: parts = {self.parts}; must be at most {len(x)}, the number of examples")
        self.num_classes = num_classes
        self.labels = labels
        self.width = x.shape[1:].numel()
        inputs = x.flatten(1)
        features = fit_all(self.transforms, inputs.double())
        self.seen = self._examples(self.partition.assign(inputs, self.labels, self.parts))
        self.learners = [deepcopy(self.learner) for _ in self.seen]

        def work(some: slice) -> None:
            for learner, examples in zip(self.learners[some], self.seen[some], strict=True):
                learner.learn(features[examples], self.labels[examples], num_classes)

        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)

    def _examples(self, part: Tensor) -> list[Tensor]:
        """The examples that each learner sees, given the part of each, ascending."""
        members = part.argsort(stable=True).split(part.bincount(minlength=self.parts).tolist())
        taught_by = np.argsort(self.reached, axis=None, kind="stable").reshape(self.parts, -1) // self.spread
        seen = [torch.cat([members[p] for p in parts]).sort().values for parts in taught_by.tolist()]
        for number, examples in enumerate(seen):
            if not len(examples):
                raise ValueError(
                    f"Partitions: parts = {self.parts}; must be fewer, learner {number} is left without an example"
                )
        return seen

    def features(self, x: Tensor) -> Tensor:
        """What the learners see of inputs ``(batch, ...)``: ``(batch, k)`` float64."""
        return features_of(self.transforms, x, self.labels.device, self.width)

    def poll(self, x: Tensor) -> Poll:
        """Ask all learners about inputs ``(batch, ...)``."""
        features = self.features(x)
        scores = np.empty((len(x), len(self.learners), self.num_classes))

        def work(some: slice) -> None:
            for number in range(len(self.learners))[some]:
                scores[:, number] = self.learners[number].class_scores(features).numpy()

        for_each(work, len(self.learners), LEARNERS_AT_A_TIME)
        return Poll(scores, self.reached)

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Why the learners cannot be put to the vote under ``measure``: they learn once, from labels as they are."""
        return super().supports(measure) or changes_labels(measure)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """All draws agree, since no label changes; see `Votes.counts`."""
        x, _ = checked_batch(x, index)
        return draws * one_hot(torch.from_numpy(self.poll(x).tally.argmax(1)), self.num_classes)
