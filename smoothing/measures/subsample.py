"""A few examples of many: the measure of bagging."""

from collections.abc import Sequence
from math import expm1, log1p, prod

import torch
from torch import Tensor

from smoothing.arguments import at_least, is_generator, is_tensor, refuse
from smoothing.distance import Distance
from smoothing.measures.boxes import OUTWARD
from smoothing.measures.measure import SmoothingMeasure
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss

HIDDEN = -1
"""What stands in a version for a label that was not drawn."""


class Subsample(SmoothingMeasure):
    """Bagging (Jia et al. 2021): ``size`` of the n training examples are drawn with replacement, the others hidden.

    A version that shows no changed label has the same probability before and after, one that shows any is impossible
    before or after; the latter have mass ``1 - (1 - r/n)^size`` whichever r labels change, so that
    ``G(f) = f + 1 - (1 - r/n)^size``. An example that is drawn more than once is shown once.

    Args:
        size: Number of draws, at least 1.
    """

    exact_samples = True

    def __init__(self, size: int) -> None:
        at_least(self, 1, size=size)
        self.size = size

    @property
    def distance(self) -> Distance:
        """The number of changed labels."""
        return Distance("l0", "flips", integer=True, strict=False)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Hide all but a few labels of ``z``."""
        return self.sample_many(z, 1, generator)[0]

    def sample_many(self, z: Tensor, draws: int, generator: torch.Generator) -> Tensor:
        """Hide all but a few labels of ``z`` in each draw; see `SmoothingMeasure.sample_many`."""
        is_tensor(self, z=z)
        is_generator(self, generator)
        if not z.dtype.is_signed:
            refuse(self, "z", z, f"of a signed type: {HIDDEN} stands for hidden labels")
        shown = torch.randint(z.numel(), (draws, self.size), generator=generator, device=z.device)
        versions = torch.full((draws, z.numel()), HIDDEN, dtype=z.dtype, device=z.device)
        return versions.scatter_(1, shown, z.flatten()[shown]).reshape(draws, *z.shape)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """What shows a changed label, and nothing else."""
        share = radius / prod(shape)
        lost = -expm1(self.size * log1p(-share)) if share < 1 else 1.0
        return OverlapLoss(min(lost * (1 + OUTWARD), 1.0))
