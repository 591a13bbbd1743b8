"""Clusters found without labels and named by the labels of their members."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from smoothing.arguments import at_least
from smoothing.votes.features.transforms import Transform
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.labels.neighbours import SquaredDistance


class KMeans:
    """Clusters by the nearest centre of k-means.

    Args:
        features: Training features, ``(n, k)`` float64.
        num_clusters: Number of centres, at most n.
        restarts: Number of runs. The run with the smallest inertia is kept.
        seed: Seed of the initial centres.
    """

    def __init__(self, features: Tensor, num_clusters: int, restarts: int, seed: int) -> None:
        def run(number: int) -> tuple[float, Tensor]:
            rng = np.random.default_rng([seed, number])
            centres = torch.from_numpy(kmeans2(features.numpy(), num_clusters, 100, minit="++", rng=rng)[0])
            return float(SquaredDistance(centres)(features).amin(1).sum()), centres

        self._distance = SquaredDistance(
            min((run(number) for number in range(restarts)), key=lambda found: found[0])[1]
        )

    def __call__(self, features: Tensor) -> Tensor:
        """Return the cluster of each row, ``(batch,)`` int64."""
        return self._distance(features).argmin(1)


class Clusters(LinearVotes):
    """K-means clusters of the training inputs. A test input is predicted as the class of its cluster.

    Args:
        num_clusters: Number of clusters, at least 2.
        naming: ``"each"``: the class of a cluster is the most frequent label of its members. ``"jointly"``: two
            clusters take the two classes in the way that agrees with more labels, so that all training points vote:
            ``w_j = +1`` inside the test input's cluster, ``-1`` outside (THEORY.md section 4). This is linear for two
            clusters and two classes only; `JointClusters` names any number.
        transforms: Feature transforms, fitted on the training inputs.
        restarts: Number of k-means runs. The run with the smallest inertia is kept.
        seed: Seed of the initial centres.
    """

    def __init__(
        self,
        num_clusters: int,
        naming: Literal["each", "jointly"] = "each",
        transforms: Sequence[Transform] = (),
        restarts: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(transforms)
        at_least(self, 2, num_clusters=num_clusters)
        if naming == "jointly" and num_clusters != 2:
            raise ValueError(f"Clusters: num_clusters = {num_clusters}; must be 2 for joint naming")
        at_least(self, 1, restarts=restarts)
        self.num_clusters = num_clusters
        self.naming = naming
        self.restarts = restarts
        self.seed = seed

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        if self.naming == "jointly" and self.num_classes != 2:
            raise ValueError(f"Clusters: joint naming with {self.num_classes} classes; must be 2")
        if self.num_clusters > len(features):
            raise ValueError(f"Clusters: num_clusters = {self.num_clusters}; must be at most {len(features)}")
        self._find = KMeans(features, self.num_clusters, self.restarts, self.seed)
        self._cluster = self._find(features)

    def weights(self, features: Tensor) -> Tensor:
        """Return 1 inside the cluster of a test input, and 0 outside, or -1 for joint naming, ``(batch, n)``."""
        inside = (self._find(features)[:, None] == self._cluster).double()
        return 2 * inside - 1 if self.naming == "jointly" else inside
