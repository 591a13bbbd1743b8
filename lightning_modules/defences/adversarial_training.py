"""Adversarial training."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.intervention import Augment, Intervention, TrainingState
from smoothing.arguments import at_least, positive
from smoothing.attacks import LinfBall, ascend

BALL = LinfBall()


class AdversarialTraining(Defence):
    """Trains on adversarial examples of the network by projected gradient ascent in l-inf (Madry et al. 2018).

    Each step is ``2.5 eps / steps`` long.

    Args:
        eps: Largest change of a pixel on the scale [0, 1], above 0.
        steps: Number of steps, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, eps: float = 4 / 255, steps: int = 7) -> None:
        positive(self, eps=eps)
        at_least(self, 1, steps=steps)
        self.eps = eps
        self.steps = steps

    def intervention(self) -> Intervention:
        """Return the attack on every batch."""
        return _Attacked(self.eps, self.steps)


class _Attacked(Intervention):
    moves_inputs = True

    def __init__(self, eps: float, steps: int) -> None:
        self.eps = eps
        self.steps = steps

    def inputs(
        self, state: TrainingState, positions: Tensor, epoch: int, augment: Augment, source: torch.Generator
    ) -> Tensor:
        clean = augment(state.x[positions])
        labels = state.labels[positions]
        radius = clean.new_full((len(clean),), self.eps)

        def project(moved: Tensor) -> Tensor:
            return (clean + BALL.project(moved - clean, radius)).clamp(0, 1)

        def loss(moved: Tensor) -> Tensor:
            return cross_entropy(state.logits(moved), labels, reduction="none")

        noise = 2 * torch.rand(clean.shape, generator=source, device=clean.device) - 1
        return ascend(loss, project(clean + self.eps * noise), self.steps, 2.5 * self.eps / self.steps, project, BALL)
