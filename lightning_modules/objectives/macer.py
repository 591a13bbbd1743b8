"""MACER: maximising the certified radius."""

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective
from smoothing.arguments import at_least, finite, positive
from smoothing.attacks import mean_log_probability
from smoothing.measures import Gaussian, SmoothingMeasure


class MACER(Objective):
    """Cross-entropy of the mean prediction under noise, plus a hinge on a soft certified radius.

    Zhai et al. (2020), eq. 9 and algorithm 1: where the mean prediction ``z`` of the softmax at inverse temperature
    ``sharpness`` is right, ``weight * sigma/2 * max(0, margin - (Phi^-1(z_y) - Phi^-1(max of the others)))``. Where
    ``z_y`` rounds to 1, so that the difference is infinite, the hinge is met and gives nothing.

    Args:
        weight: Weight lambda of the hinge, at least 0; the paper has 12 on CIFAR-10, and 4 at sigma 0.5.
        margin: The hinge's gamma, above 0.
        sharpness: The inverse temperature beta, above 0.
        draws: Draws k for each image, at least 1.
        deferred: Number of epochs that go without the hinge first, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self, weight: float = 12.0, margin: float = 8.0, sharpness: float = 16.0, draws: int = 16, deferred: int = 0
    ) -> None:
        finite(self, 0, weight=weight)
        at_least(self, 0, deferred=deferred)
        at_least(self, 1, draws=draws)
        positive(self, margin=margin, sharpness=sharpness)
        self.weight = weight
        self.margin = margin
        self.sharpness = sharpness
        self.draws = draws
        self.deferred = deferred

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Its radius is that of Gaussian noise."""
        if isinstance(measure, Gaussian):
            return None
        return f"its radius is Gaussian noise's, and the measure is {type(measure).__name__}"

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        assert isinstance(noise.measure, Gaussian)
        logits = network(noise.draws(self.draws)(x)).float()
        classification = nll_loss(mean_log_probability(logits, self.draws), labels)
        if epoch < self.deferred:
            return classification
        mean = mean_log_probability(self.sharpness * logits, self.draws).exp()
        top, which = mean.topk(2, 1)
        right = which[:, 0] == labels
        # Only what is inside the hinge is differentiated: the quantile has an infinite slope at 0 and 1.
        inside = right & (_lead(top.detach()) <= self.margin)
        hinge = (self.margin - _lead(top[inside])).sum() / len(x)
        return classification + self.weight * noise.measure.sigma / 2 * hinge


def _lead(top: Tensor) -> Tensor:
    quantiles: Tensor = torch.special.ndtri(top)
    return quantiles[:, 0] - quantiles[:, 1]
