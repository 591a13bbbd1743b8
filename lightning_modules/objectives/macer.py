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

    Zhai et al. (2020), eq. 9 and algorithm 1. ``z`` is the mean prediction of the softmax at inverse temperature
    ``sharpness``. If it is correct, the hinge is
    ``weight * sigma/2 * max(0, margin - (Phi^-1(z_y) - Phi^-1(max of the others)))``. If ``z_y`` rounds to 1, the
    difference is infinite and the hinge is 0.

    Args:
        weight: Weight lambda of the hinge, at least 0; in the paper, 12 on CIFAR-10, and 4 at sigma 0.5.
        margin: The hinge's gamma, above 0.
        sharpness: The inverse temperature beta, above 0.
        draws: Number of draws k per image, at least 1.
        deferred: Number of first epochs without the hinge, at least 0.

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
        """Return why the measure is refused, or None: the certified radius is that of Gaussian noise."""
        if isinstance(measure, Gaussian):
            return None
        return f"its radius is that of Gaussian noise, and the measure is {type(measure).__name__}"

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
        # Only rows inside the hinge are differentiated: the quantile has infinite slope at 0 and 1.
        inside = right & (_lead(top.detach()) <= self.margin)
        hinge = (self.margin - _lead(top[inside])).sum() / len(x)
        return classification + self.weight * noise.measure.sigma / 2 * hinge


def _lead(top: Tensor) -> Tensor:
    quantiles: Tensor = torch.special.ndtri(top)
    return quantiles[:, 0] - quantiles[:, 1]
