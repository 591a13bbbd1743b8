"""Gaussian noise with a random standard deviation."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.arguments import positive, within
from smoothing.distance import Distance
from smoothing.measures.additive import LONGEST, SHORTEST, AdditiveNoise
from smoothing.privacy_loss import NormalMixtureLoss, PrivacyLoss


class GaussianMixture(AdditiveNoise):
    """Gaussian noise with one standard deviation drawn per object, l2.

    The law with revealed standard deviation dominates by post-processing. It depends only on the Euclidean length of
    the change (THEORY.md section 2).

    Args:
        sigmas: Standard deviations in input units, within [1e-30, 1e30], at least one.
        weights: Weights of the standard deviations, above 0. Their sum is normalised to one. Uniform by default.

    Raises:
        ValueError: If an argument is out of range or the lengths differ.
    """

    def __init__(self, sigmas: Sequence[float], weights: Sequence[float] | None = None) -> None:
        if len(sigmas) == 0:
            raise ValueError("GaussianMixture: sigmas = []; must have at least one entry")
        for sigma in sigmas:
            within(self, SHORTEST, LONGEST, sigmas=sigma)
        self.sigmas = tuple(sigmas)
        given = [1.0] * len(sigmas) if weights is None else weights
        if len(given) != len(sigmas):
            raise ValueError(f"GaussianMixture: weights = {given}; must have {len(sigmas)} entries, one per sigma")
        for weight in given:
            positive(self, weights=weight)
        self.exact_weights = weights
        # Normalised, so that equal measures have equal recipes.
        self.weights = tuple(weight / sum(given) for weight in given)
        if not min(self.weights) > 0:
            raise ValueError(f"GaussianMixture: weights = {given}; must be of similar size")

    @property
    def distance(self) -> Distance:
        """Euclidean length of the change, strict."""
        return Distance("l2", "input units", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw normal noise with one standard deviation per object; see `AdditiveNoise.draw`."""
        kinds = torch.tensor(self.weights, dtype=torch.float64, device=z.device)
        sigmas = torch.tensor(self.sigmas, dtype=z.dtype, device=z.device)
        sigma = sigmas[torch.multinomial(kinds, len(z), replacement=True, generator=generator)]
        return torch.empty_like(z).normal_(generator=generator).mul_(sigma.reshape(-1, *[1] * (z.dim() - 1)))

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the mixture of ``N(-r^2 / 2 s^2, r^2 / s^2)`` over the standard deviations ``s``."""
        return NormalMixtureLoss(self.weights, [radius / sigma for sigma in self.sigmas])
