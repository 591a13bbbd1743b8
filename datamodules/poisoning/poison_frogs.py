"""Poison Frogs: collisions of features."""

import torch
from torch import Tensor

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.features import features
from datamodules.poisoning.problem import Problem
from smoothing.arguments import finite, within


class PoisonFrogs(PoisoningAttack):
    """Moves each poison towards the target in feature space, alone (Shafahi et al. 2018, algorithm 1).

    The objective of a poison is ``|f(p) - f(t)|^2``, averaged over bodies. A step is a gradient step, followed by
    ``(p + eta penalty b) / (1 + eta penalty)``, which keeps it near its base ``b``. If the objective plus
    ``penalty |p - b|^2`` would rise, the poison stays and its learning rate ``eta`` is multiplied by ``decay``.
    Networks are bodies: they map images to features ``(n, ...)``.

    Args:
        steps: Largest number of steps, at least 0.
        learning_rate: Initial learning rate, above 0.
        penalty: Weight of the squared distance from the base, at least 0.
        mixed: Fraction of the target in the initial images, within [0, 1].
        decay: Factor of the learning rate of a poison, within [0, 1].
        tolerance: Relative change of all objectives at which the steps end, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        steps: int = 120,
        learning_rate: float = 0.001,
        penalty: float = 0.1,
        mixed: float = 0.3,
        decay: float = 0.2,
        tolerance: float = 1e-5,
    ) -> None:
        super().__init__(steps, learning_rate)
        finite(self, 0, penalty=penalty, tolerance=tolerance)
        within(self, 0, 1, mixed=mixed, decay=decay)
        self.penalty = penalty
        self.mixed = mixed
        self.decay = decay
        self.tolerance = tolerance

    def objective(self, problem: Problem) -> Loss:
        """Return the squared distances from the target in feature space, one per poison."""
        targets = features(problem.networks, problem.target)

        def loss(images: Tensor, step: int) -> Tensor:
            found = [body(images).flatten(1) - target for body, target in zip(problem.networks, targets, strict=True)]
            return torch.stack([difference.square().sum(1) for difference in found]).mean(0)

        return loss

    def start(self, problem: Problem, generator: torch.Generator) -> Tensor:
        """Return mixtures of the bases with the target."""
        return torch.lerp(problem.bases, problem.target.expand_as(problem.bases), self.mixed)

    def optimise(self, problem: Problem, loss: Loss, generator: torch.Generator) -> Tensor:
        """See `PoisoningAttack.optimise`."""
        bases = problem.bases

        def evaluate(images: Tensor, step: int) -> tuple[Tensor, Tensor]:
            images = images.requires_grad_()
            losses = loss(images, step)
            (gradient,) = torch.autograd.grad(losses.sum(), images)
            return losses.detach() + self.penalty * (images.detach() - bases).flatten(1).square().sum(1), gradient

        images = problem.project(self.start(problem, generator))
        rates = torch.full((len(bases), *[1] * (bases.dim() - 1)), self.learning_rate, device=bases.device)
        values, gradient = evaluate(images, 0)
        for step in range(self.steps):
            images = images.detach()
            moved = images - rates * gradient + rates * self.penalty * bases
            moved = problem.project(moved / (1 + rates * self.penalty))
            new, slopes = evaluate(moved, step)
            accepted = new <= values
            finished = accepted & (values - new <= self.tolerance * values)
            kept = accepted.view_as(rates)
            rates = torch.where(kept, rates, self.decay * rates)
            images = torch.where(kept, moved.detach(), images)
            gradient = torch.where(kept, slopes, gradient)
            values = torch.where(accepted, new, values)
            if finished.all():
                break
        return images.detach()
