"""SmoothAdv: adversarial training of the smoothed classifier."""

from types import NoneType

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.objectives.attacker import Attacker
from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective, ramp
from lightning_modules.objectives.pgd import PGD
from smoothing.arguments import at_least, instance


class SmoothAdv(Objective):
    """Cross-entropy of noisy adversarial examples of the mean prediction under the same noise.

    Salman et al. (2019), algorithm 1, with all draws in the loss (the released ``--train-multi-noise``).

    Args:
        attacker: `PGD` or `DDN`; default: `PGD` with radius 1 and ten steps.
        draws: Number of draws m per image, at least 1; 1 to 8 in the paper.
        warm_up: Number of epochs over which the radius of the attacker grows to its full size, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, attacker: Attacker | None = None, draws: int = 4, warm_up: int = 10) -> None:
        instance(self, (Attacker, NoneType), attacker=attacker)
        at_least(self, 1, draws=draws)
        at_least(self, 0, warm_up=warm_up)
        self.attacker = attacker or PGD()
        self.draws = draws
        self.warm_up = warm_up

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        draws = noise.draws(self.draws)
        moved = self.attacker.attack(network, draws, x, labels, ramp(epoch, self.warm_up))
        return cross_entropy(network(draws(moved)), labels.repeat(self.draws))
