"""Votes of a learner that is trained on each sample of the labels."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.blocks import blocks
from smoothing.numerics.random import generator
from smoothing.numerics.threads import for_each
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.parts.partition_rules import ranks
from smoothing.votes.reads import leak
from smoothing.votes.votes import LabelVotes

DRAWS_PER_BLOCK = 32


class Bagging(LabelVotes):
    """Votes of learners that are each trained on one draw of the labels.

    Under `Subsample` this is bagging (Jia et al. 2021). Examples with a hidden label are left out. A learner is given
    the others sorted by content and drawn label, so that neither the order of the training set nor the labels before
    the draw matter.

    Against inserted, deleted and changed examples, transforms must have nothing to fit: fitted on all training inputs,
    they would change every bag (THEORY.md section 8). Transforms of a learner are fitted to its own bag.

    Args:
        learner: The learner. A copy is trained for each draw.
        transforms: Feature transforms, fitted on all training inputs.
    """

    reads = "own part only"

    def __init__(self, learner: PartLearner, transforms: Sequence[Transform] = ()) -> None:
        self.learner = learner
        self.transforms = list(transforms)
        self.assumptions = learner.assumptions

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Store the training set and fit the transforms; see `Votes.fit`."""
        x, self.labels = checked_training_set(x, labels, num_classes)
        self.num_classes = num_classes
        self.width = x.shape[1:].numel()
        self._rank = ranks(x.flatten(1))
        self._features = fit_all(self.transforms, x.flatten(1).double())

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, or None; see `Votes.supports`."""
        leaks = (leak("transforms", transform, transform.reads, measure.distance) for transform in self.transforms)
        return super().supports(measure) or next(filter(None, leaks), None)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count the votes of the learners. All inputs share the draws (Jia et al. 2021, Algorithm 1)."""
        x, _ = checked_batch(x, index)
        features = features_of(self.transforms, x, self.labels.device, self.width)
        votes = torch.zeros(len(x), self.num_classes, dtype=torch.long)
        for block, requested in blocks(first, draws, DRAWS_PER_BLOCK):
            versions = measure.sample_many(self.labels, DRAWS_PER_BLOCK, generator((*seed, block)))[requested]
            winners = torch.empty(len(x), len(versions), dtype=torch.long)

            def work(some: slice, versions: Tensor = versions, winners: Tensor = winners) -> None:
                learner = deepcopy(self.learner)
                for draw in range(len(versions))[some]:
                    labels = versions[draw]
                    order = (self._rank * self.num_classes + labels).argsort()
                    shown = order[labels[order] >= 0]
                    learner.learn(self._features[shown], labels[shown], self.num_classes)
                    winners[:, draw] = learner.class_scores(features).argmax(1)

            for_each(work, len(versions), 4)
            votes += one_hot(winners, self.num_classes).sum(1)
        return votes
