"""Decoupled direction and norm."""

from math import cos, pi

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm

from lightning_modules.objectives.attacker import Attacker, shorten
from smoothing.arguments import at_least, positive, refuse
from smoothing.attacks import Draws, direction, mean_log_probability, standing_still


class DDN(Attacker):
    """Gradient steps on a sphere that shrinks while the prediction is wrong and grows while it is right.

    Rony et al. (2019, algorithm 1), against the mean prediction under noise as in Salman et al. (2019, section 2.2).
    The result is the shortest change that alters the prediction, or the unchanged image if there is none.

    Args:
        radius: Largest length of a change on the scale of the images, and radius of the first sphere, above 0.
        steps: Number of steps, at least 1; their length decays from 1 to 0.01 along a cosine.
        rate: Fraction gamma by which the sphere shrinks or grows, within (0, 1).

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, radius: float = 1.0, steps: int = 10, rate: float = 0.05) -> None:
        positive(self, radius=radius)
        at_least(self, 1, steps=steps)
        positive(self, rate=rate)
        if rate >= 1:
            refuse(self, "rate", rate, "within (0, 1)")
        self.radius = radius
        self.steps = steps
        self.rate = rate

    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        """See `Attacker.attack`."""
        radius = strength * self.radius
        change, best = torch.zeros_like(x), torch.zeros_like(x)
        sphere = x.new_full((len(x),), radius)
        shortest = x.new_full((len(x),), float("inf"))
        wrong = torch.zeros_like(labels, dtype=torch.bool)

        def loss(moved: Tensor) -> Tensor:
            prediction = mean_log_probability(network(draws(moved)), draws.number)
            torch.ne(prediction.argmax(1), labels, out=wrong)
            return -prediction.gather(1, labels[:, None])[:, 0]

        with standing_still(network):
            for step in range(self.steps):
                uphill, _ = direction(loss, x + change)
                length = vector_norm(change.flatten(1), dim=1)
                better = wrong & (length < shortest)
                shortest = torch.where(better, length, shortest)
                best[better] = change[better]
                sphere = sphere * torch.where(wrong, 1 - self.rate, 1 + self.rate)
                change = change + (0.01 + 0.99 * (1 + cos(pi * step / self.steps)) / 2) * uphill
                change = _scaled(change, sphere)
                change = (x + change).clamp(0, 1) - x
        return x + shorten(best, radius)


def _scaled(change: Tensor, length: Tensor) -> Tensor:
    """Scale changes to given lengths ``(batch,)``."""
    return torch.nn.functional.normalize(change.flatten(1)).mul(length[:, None]).view_as(change)
