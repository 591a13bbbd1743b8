"""Nearest centroids, a learner that is not linear in the labels."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.numerics.threads import one_thread
from smoothing.votes.labels.neighbours import SquaredDistance
from smoothing.votes.parts.part_learner import PartLearner


class Centroids(PartLearner):
    """Nearest class means. Means divide by label counts, so that scores are not linear (THEORY.md section 4).

    A class without an example has distance infinity.
    """

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Compute the mean of each class; see `PartLearner.learn`."""
        self.num_classes = num_classes
        members = one_hot(labels, num_classes).double()
        self._sizes = members.sum(0)
        with one_thread():
            sums = members.T @ x.flatten(1).double()
        self._distance = SquaredDistance(sums / self._sizes.clamp(min=1)[:, None])

    def class_scores(self, x: Tensor) -> Tensor:
        """Return minus squared distances from the means, ``(batch, num_classes)``; see `PartLearner.class_scores`."""
        return torch.where(self._sizes > 0, -self._distance(x.flatten(1).double()), -torch.inf)
