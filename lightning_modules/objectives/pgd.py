"""Projected gradient descent."""

from torch import Tensor, nn

from lightning_modules.objectives.attacker import Attacker, shorten
from smoothing.arguments import at_least, positive
from smoothing.attacks import Draws, ascend, smoothed_loss, standing_still


class PGD(Attacker):
    """Normalised gradient steps on the mean prediction under noise, in an l2 ball (Salman et al. 2019, section 2.2).

    Args:
        radius: Radius of the ball on the scale of the images, above 0.
        steps: Number of steps T, at least 1; each is ``2 radius / T`` long.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, radius: float = 1.0, steps: int = 10) -> None:
        positive(self, radius=radius)
        at_least(self, 1, steps=steps)
        self.radius = radius
        self.steps = steps

    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        """See `Attacker.attack`."""
        radius = strength * self.radius

        def project(moved: Tensor) -> Tensor:
            # The image is within [0, 1], so a shortened change stays within [0, 1].
            return x + shorten(moved.clamp(0, 1) - x, radius)

        def loss(moved: Tensor) -> Tensor:
            return smoothed_loss(network, draws, moved, labels)

        with standing_still(network):
            return ascend(loss, x, self.steps, 2 * radius / self.steps, project)
