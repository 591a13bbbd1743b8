"""The measure of bagging."""

from collections.abc import Sequence
from math import expm1, log1p, prod
from typing import TYPE_CHECKING

from smoothing.arguments import at_least, is_generator, is_tensor, refuse
from smoothing.distance import Distance
from smoothing.measures.measure import OUTWARD, SmoothingMeasure
from smoothing.numerics.random import uniform_integers
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HIDDEN = -1
"""Value in a sample of labels that were not drawn."""


class Subsample(SmoothingMeasure):
    """Bagging: ``size`` of n training examples are drawn with replacement, all others are hidden (Jia et al. 2021).

    A sample without changed labels has the same probability before and after the change. A sample with a changed label
    is impossible before or after. For any r changed labels the latter have mass ``1 - (1 - r/n)^size``, so that
    ``G(f) = f + 1 - (1 - r/n)^size``. Repeated draws of one example count once.

    Args:
        size: Number of draws, at least 1.

    Raises:
        ValueError: If ``size`` is below 1.
    """

    exact_samples = True

    def __init__(self, size: int) -> None:
        at_least(self, 1, size=size)
        self.size = size

    @property
    def distance(self) -> Distance:
        """Number of changed labels, not strict."""
        return Distance("l0", "flips", integer=True, strict=False)

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Hide all labels that are not drawn; see `SmoothingMeasure.sample`."""
        return self.sample_many(z, 1, generator)[0]

    def sample_many(self, z: "Tensor", draws: int, generator: "torch.Generator") -> "Tensor":
        """Hide all labels that are not drawn, independently in each draw; see `SmoothingMeasure.sample_many`.

        Raises:
            ValueError: If the dtype of ``z`` is unsigned and cannot represent `HIDDEN`.
        """
        import torch

        is_tensor(self, z=z)
        is_generator(self, generator)
        if not z.dtype.is_signed:
            refuse(self, "z", z, f"of a signed dtype, since {HIDDEN} marks hidden labels")
        shown = uniform_integers(z.numel(), (draws, self.size), generator, z.device)
        versions = torch.full((draws, z.numel()), HIDDEN, dtype=z.dtype, device=z.device)
        return versions.scatter_(1, shown, z.flatten()[shown]).reshape(draws, *z.shape)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of the samples with a changed label."""
        share = radius / prod(shape)
        lost = -expm1(self.size * log1p(-share)) if share < 1 else 1.0
        return OverlapLoss(min(lost * (1 + OUTWARD), 1.0))
