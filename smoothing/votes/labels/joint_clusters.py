"""As many clusters as classes, named jointly by all labels."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from smoothing.arguments import at_least
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.blocks import blocks
from smoothing.numerics.random import generator
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.clusters import KMeans
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.votes import LabelVotes

DRAWS_PER_BLOCK = 64

Table = NDArray[np.int64]
"""Number of training points by cluster and label, ``(K, K)``."""


class JointClusters(LabelVotes):
    """K-means clusters of the training inputs, named by the assignment of the K classes that agrees with most labels.

    A test input is predicted as the class of its cluster. Ties go to the class with the smallest number. With two
    classes this is the linear vote ``Clusters(2, "jointly")``. With more it is not linear (THEORY.md section 4).

    Args:
        transforms: Feature transforms, fitted on the training inputs.
        restarts: Number of k-means runs, at least 1. The run with the smallest inertia is kept.
        seed: Seed of the initial centres.

    Attributes:
        members: Cluster of each training point, ``(n,)`` int64, after `fit`.
    """

    all_labels: ClassVar[bool] = True

    def __init__(self, transforms: Sequence[Transform] = (), restarts: int = 10, seed: int = 0) -> None:
        at_least(self, 1, restarts=restarts)
        self.transforms = list(transforms)
        self.restarts = restarts
        self.seed = seed

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Find the clusters; see `Votes.fit`."""
        x, self.labels = checked_training_set(x, labels, num_classes)
        self.num_classes = num_classes
        self.width = x.shape[1:].numel()
        features = fit_all(self.transforms, x.flatten(1).double())
        self._find = KMeans(features, num_classes, self.restarts, self.seed)
        self.members = self._find(features)

    def cluster(self, x: Tensor) -> Tensor:
        """Return the cluster ``(batch,)`` int64 of each input ``(batch, ...)``."""
        return self._find(features_of(self.transforms, x, self.labels.device, self.width))

    def table(self, labels: Tensor) -> Table:
        """Count labels ``(n,)`` by cluster."""
        cells = self.members * self.num_classes + labels
        return cells.bincount(minlength=self.num_classes**2).reshape(self.num_classes, -1).numpy()

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count votes over sampled label vectors, each of which names the clusters. All inputs share the draws."""
        x, _ = checked_batch(x, index)
        cluster = self.cluster(x)
        needed = cluster.unique().tolist()
        votes = torch.zeros(self.num_classes, self.num_classes, dtype=torch.long)
        for block, requested in blocks(first, draws, DRAWS_PER_BLOCK):
            for noisy in measure.sample_many(self.labels, DRAWS_PER_BLOCK, generator((*seed, block)))[requested]:
                table = self.table(noisy)
                for c in needed:
                    votes[c, int(agreements(table, c).argmax())] += 1
        return votes[cluster]


def agreements(table: Table, cluster: int) -> NDArray[np.int64]:
    """Return, for each class, how many labels agree with the best naming that gives it to a cluster, ``(K,)``.

    These are K assignment problems.
    """
    rest = np.delete(table, cluster, 0)
    best = [_best_total(np.delete(rest, name, 1)) for name in range(len(table))]
    return np.asarray(table[cluster] + best, np.int64)


def _best_total(table: Table) -> int:
    return int(table[linear_sum_assignment(table, maximize=True)].sum())
