"""Stability training."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective
from smoothing.arguments import finite


class Stability(Objective):
    """Cross-entropy of clean images, plus that of noisy against clean predictions (Li et al. 2019, section 4).

    ``CE(F(x), y) + weight * CE(F(x), F(x + noise))``, after Zheng et al. (2016).

    Args:
        weight: Weight of the second term, at least 0; later comparisons use 2 (Jeong and Shin 2020).

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, weight: float = 2.0) -> None:
        finite(self, 0, weight=weight)
        self.weight = weight

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        clean, noisy = network(x), network(noise.draws(1)(x))
        return cross_entropy(clean, labels) + self.weight * cross_entropy(noisy, clean.softmax(1))
