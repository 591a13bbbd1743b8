"""Normal noise whose scale is itself drawn."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.distance import Distance
from smoothing.measures.measure import SmoothingMeasure, positive
from smoothing.privacy_loss import NormalMixtureLoss, PrivacyLoss


class GaussianMixture(SmoothingMeasure):
    """Normal noise with one standard deviation drawn for the whole object, l2.

    The law with the drawn scale revealed dominates, by post-processing, and depends on the length of the change alone
    (THEORY.md section 2).

    Args:
        sigmas: Standard deviations, above 0.
        weights: Their probabilities, above 0; all alike unless given.
    """

    def __init__(self, sigmas: Sequence[float], weights: Sequence[float] | None = None) -> None:
        if not sigmas:
            raise ValueError("GaussianMixture: sigmas = []; must name at least one")
        self.sigmas = tuple(positive("GaussianMixture", "sigmas", sigma) for sigma in sigmas)
        given = [1.0] * len(sigmas) if weights is None else weights
        if len(given) != len(sigmas):
            raise ValueError(f"GaussianMixture: weights = {given}; must be {len(sigmas)}, one for each sigma")
        total = sum(positive("GaussianMixture", "weights", weight) for weight in given)
        self.weights = tuple(weight / total for weight in given)

    @property
    def distance(self) -> Distance:
        """Euclidean length; a radius R covers less than R."""
        return Distance("l2", "input units", integer=False, strict=True)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Add normal noise of one scale to ``z``."""
        kind = torch.multinomial(torch.tensor(self.weights, device=z.device), 1, generator=generator)
        return z + torch.empty_like(z).normal_(0, self.sigmas[int(kind)], generator=generator)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """A mixture of ``N(-r^2 / 2 s^2, r^2 / s^2)``."""
        return NormalMixtureLoss(self.weights, [radius / sigma for sigma in self.sigmas])
