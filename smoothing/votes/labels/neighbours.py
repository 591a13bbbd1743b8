"""Votes of training points weighted by distance."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smoothing.arguments import at_least
from smoothing.numerics.exact_product import ExactProduct
from smoothing.votes.features.transforms import Transform
from smoothing.votes.labels.linear import LinearVotes


class SquaredDistance:
    """Squared Euclidean distances from feature vectors to fixed rows, with the same bits in any batch.

    Args:
        rows: Fixed rows, ``(n, k)`` float64.
    """

    def __init__(self, rows: Tensor) -> None:
        self._product = ExactProduct(rows)
        self._square = squared_lengths(rows)

    def __call__(self, x: Tensor) -> Tensor:
        """Return distances ``(batch, n)``, at least 0, from ``x``, ``(batch, k)``."""
        return (self._square + squared_lengths(x)[:, None] - 2 * self._product(x)).clamp_(min=0)


class ClassSum(LinearVotes):
    """Class sums of the Gaussian kernel ``exp(-|x - x_j|^2 / (2 bandwidth^2))`` (THEORY.md section 4).

    Scores are class *sums*, not means: means divide by label counts, which the adversary can change.

    Args:
        bandwidth: Width of the kernel in units of the transformed features, within [1e-150, 1e150].
        transforms: Feature transforms, fitted on the training inputs.
    """

    def __init__(self, bandwidth: float, transforms: Sequence[Transform] = ()) -> None:
        super().__init__(transforms)
        if not 1e-150 <= bandwidth <= 1e150:
            raise ValueError(f"ClassSum: bandwidth = {bandwidth}; must be within [1e-150, 1e150]: it is squared")
        self.bandwidth = bandwidth

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self._distance = SquaredDistance(features)

    def weights(self, features: Tensor) -> Tensor:
        """Return kernel values ``(batch, n)`` divided by that of the nearest point, so that not all underflow."""
        distance = self._distance(features)
        nearest = distance.amin(1, keepdim=True)
        return ((nearest - distance) / (2 * self.bandwidth**2)).exp_()


class NearestNeighbours(LinearVotes):
    """Majority of the labels of the nearest training points; of equally near ones, the first in the data set counts.

    Args:
        neighbours: Number of training points that vote, at least 1 and at most n.
        transforms: Feature transforms, fitted on the training inputs.
    """

    def __init__(self, neighbours: int, transforms: Sequence[Transform] = ()) -> None:
        super().__init__(transforms)
        at_least(self, 1, neighbours=neighbours)
        self.neighbours = neighbours

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        if self.neighbours > len(features):
            raise ValueError(
                f"NearestNeighbours: neighbours = {self.neighbours}; must be at most {len(features)}, the training size"
            )
        self._distance = SquaredDistance(features)

    def weights(self, features: Tensor) -> Tensor:
        """Return 1 for each neighbour and 0 otherwise, ``(batch, n)``."""
        distance = self._distance(features)
        # Not sorted, which would take most of the time of a certificate.
        farthest = torch.from_numpy(np.partition(distance.numpy(), self.neighbours - 1)[:, self.neighbours - 1, None])
        nearer, equal = distance < farthest, distance == farthest
        left = self.neighbours - nearer.sum(1, keepdim=True)
        return (nearer | (equal & (equal.cumsum(1, dtype=torch.int32) <= left))).double()


def squared_lengths(x: Tensor) -> Tensor:
    """Return squared lengths ``(batch,)`` of rows ``(batch, k)``, with the same bits in any batch."""
    # One column at a time: the order of the sum must not depend on the number of rows.
    total = torch.zeros(len(x), dtype=x.dtype)
    for column in x.T:
        total = total + column * column
    return total
