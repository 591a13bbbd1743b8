"""Normal noise whose scale is itself drawn."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.arguments import positive, within
from smoothing.distance import Distance
from smoothing.measures.additive import LONGEST, SHORTEST, AdditiveNoise
from smoothing.privacy_loss import NormalMixtureLoss, PrivacyLoss


class GaussianMixture(AdditiveNoise):
    """Normal noise with one standard deviation drawn for the whole object, l2.

    The law with the drawn scale revealed dominates, by post-processing, and depends on the length of the change alone
    (THEORY.md section 2).

    Args:
        sigmas: Standard deviations, above 0.
        weights: Their probabilities, above 0; all alike unless given.
    """

    def __init__(self, sigmas: Sequence[float], weights: Sequence[float] | None = None) -> None:
        if len(sigmas) == 0:
            raise ValueError("GaussianMixture: sigmas = []; must name at least one")
        for sigma in sigmas:
            within(self, SHORTEST, LONGEST, sigmas=sigma)
        self.sigmas = tuple(sigmas)
        given = [1.0] * len(sigmas) if weights is None else weights
        if len(given) != len(sigmas):
            raise ValueError(f"GaussianMixture: weights = {given}; must be {len(sigmas)}, one for each sigma")
        for weight in given:
            positive(self, weights=weight)
        self.exact_weights = weights
        # Normalised, so that equal measures have equal recipes.
        self.weights = tuple(weight / sum(given) for weight in given)

    @property
    def distance(self) -> Distance:
        """Euclidean length; a radius R covers less than R."""
        return Distance("l2", "input units", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Normal noise like ``z``, of one scale for each object."""
        kinds = torch.tensor(self.weights, dtype=torch.float64, device=z.device)
        sigmas = torch.tensor(self.sigmas, dtype=z.dtype, device=z.device)
        sigma = sigmas[torch.multinomial(kinds, len(z), replacement=True, generator=generator)]
        return torch.empty_like(z).normal_(generator=generator).mul_(sigma.reshape(-1, *[1] * (z.dim() - 1)))

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """A mixture of ``N(-r^2 / 2 s^2, r^2 / s^2)``."""
        return NormalMixtureLoss(self.weights, [radius / sigma for sigma in self.sigmas])
