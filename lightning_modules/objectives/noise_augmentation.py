"""Noise augmentation."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective
from smoothing.arguments import at_least


class NoiseAugmentation(Objective):
    """Cross-entropy of noisy images (Lecuyer et al. 2019, section IV; Cohen et al. 2019, section 3.3).

    Args:
        draws: Number of draws per image, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, draws: int = 1) -> None:
        at_least(self, 1, draws=draws)
        self.draws = draws

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        return cross_entropy(network(noise.draws(self.draws)(x)), labels.repeat(self.draws))
