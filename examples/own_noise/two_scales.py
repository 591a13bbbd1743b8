"""Normal noise with one of two standard deviations, drawn for every image."""

import torch

from smoothing.distance import Distance
from smoothing.measures import SmoothingMeasure
from smoothing.privacy_loss import NormalMixtureLoss


class TwoScales(SmoothingMeasure):
    """Strong noise with probability `share`, otherwise weak noise.

    Revealing the standard deviation can only increase the privacy loss: the mixture of both losses is an upper bound.
    Normal noise is isotropic: only the length of a change matters, and longer changes have larger losses.
    """

    distance = Distance("l2", "input units", integer=False, strict=True)

    def __init__(self, weak: float, strong: float, share: float) -> None:
        if not 0 < weak < strong < float("inf"):
            raise ValueError(f"TwoScales: weak = {weak}; must be above 0 and below strong = {strong}")
        if not 0 < share < 1:
            raise ValueError(f"TwoScales: share = {share}; must be within (0, 1)")
        self.weak, self.strong, self.share = weak, strong, share

    def sample(self, z, generator):
        is_strong = torch.rand((), generator=generator, device=z.device) < self.share
        noise = torch.randn(z.shape, generator=generator, dtype=z.dtype, device=z.device)
        return z + torch.where(is_strong, self.strong, self.weak) * noise

    def privacy_loss(self, radius, shape):
        return NormalMixtureLoss([1 - self.share, self.share], [radius / self.weak, radius / self.strong])
