"""Bullseye Polytope: the mean of the poisons at the target."""

import torch
from torch import Tensor

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.features import features
from datamodules.poisoning.problem import Problem


class BullseyePolytope(PoisoningAttack):
    """Moves the mean of all poisons to the target in feature space (Aghakhani et al. 2021, eq. 2).

    The objective is the mean over bodies of ``|mean f(p) - f(t)| / |f(t)|``. Networks are bodies: they map images to
    features ``(n, ...)``.

    Args:
        steps: Number of steps of Adam, at least 0.
        learning_rate: Learning rate, above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, steps: int = 1200, learning_rate: float = 0.04) -> None:
        super().__init__(steps, learning_rate)

    def objective(self, problem: Problem) -> Loss:
        """Return the mean relative distance of the centre of the poisons from the target."""
        targets = [target[0] for target in features(problem.networks, problem.target)]

        def loss(images: Tensor, step: int) -> Tensor:
            centres = [body(images).flatten(1).mean(0) for body in problem.networks]
            pairs = zip(centres, targets, strict=True)
            return torch.stack([(centre - target).norm() / target.norm() for centre, target in pairs]).mean()

        return loss
