"""Friendly noise: the largest noise that does not change the predictions of the network."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.features import BATCH
from lightning_modules.defences.intervention import Augment, Intervention, TrainingState
from lightning_modules.defences.training import Training
from smoothing.arguments import at_least, finite, positive, refuse


class FriendlyNoise(Defence):
    """Adds to every training image noise that hardly changes its logits, and random noise (Liu et al. 2022).

    From epoch ``begin`` on, each image has its own noise ``e``, computed once: gradient descent on the divergence
    ``KL(p(x) | p(x + e))`` minus ``weight`` times the mean square of ``e``, with the network of that epoch. In each
    step, ``random`` or ``-random`` is added to every pixel too.

    Args:
        size: Largest friendly noise of a pixel on the scale [0, 1], above 0.
        random: Random noise of a pixel on the scale [0, 1], at least 0.
        begin: Number of epochs before the noise is computed, at least 0 and below that of the recipe.
        weight: Weight of the size of the noise, above 0.
        steps: Number of steps, at least 0.
        learning_rate: Learning rate of the noise of one image, above 0. The authors' 100 is for the mean over a batch
            of about 128.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        size: float = 16 / 255,
        random: float = 8 / 255,
        begin: int = 5,
        weight: float = 1.0,
        steps: int = 30,
        learning_rate: float = 0.8,
    ) -> None:
        positive(self, size=size)
        finite(self, 0, random=random)
        at_least(self, 0, begin=begin)
        positive(self, weight=weight)
        at_least(self, 0, steps=steps)
        positive(self, learning_rate=learning_rate)
        self.size = size
        self.random = random
        self.begin = begin
        self.weight = weight
        self.steps = steps
        self.learning_rate = learning_rate

    def check(self, examples: int, training: Training) -> None:
        """Raise unless the noise begins before the training ends; see `Defence.check`."""
        if self.begin >= training.epochs:
            refuse(self, "begin", self.begin, f"below {training.epochs}, the number of epochs")

    def intervention(self) -> Intervention:
        """Return the noise on every batch."""
        return _Noisy(self)

    def noise(self, state: TrainingState, source: torch.Generator) -> Tensor:
        """Return friendly noise of all training images, like ``state.x``, within [-size, size].

        Args:
            state: The network, in evaluation mode, and the images.
            source: Source of the initial noise.
        """
        start = self.size * (torch.rand(state.x.shape, generator=source, device=state.x.device) - 0.5)
        parts = zip(state.x.split(BATCH), start.split(BATCH), strict=True)
        return torch.cat([self._optimised(state, x, noise) for x, noise in parts])

    def _optimised(self, state: TrainingState, x: Tensor, noise: Tensor) -> Tensor:
        with torch.no_grad():
            clean = log_softmax(state.logits(x), 1)
        noise = noise.requires_grad_()
        optimiser = torch.optim.SGD([noise], self.learning_rate, 0.9, nesterov=True)
        for _ in range(self.steps):
            held = noise.clamp(-self.size, self.size)
            moved = log_softmax(state.logits((x + held).clamp(0, 1)), 1)
            # Per image, so that the noise does not depend on the number of images in a batch.
            divergence = kl_div(moved, clean, reduction="sum", log_target=True)
            loss = divergence - self.weight * noise.square().flatten(1).mean(1).sum()
            (noise.grad,) = torch.autograd.grad(loss, noise)
            optimiser.step()
        return noise.detach().clamp(-self.size, self.size)


class _Noisy(Intervention):
    moves_inputs = True

    def __init__(self, defence: FriendlyNoise) -> None:
        self._defence = defence
        self._noise: Tensor | None = None

    def inputs(
        self, state: TrainingState, positions: Tensor, epoch: int, augment: Augment, source: torch.Generator
    ) -> Tensor:
        x = state.x[positions]
        if epoch < self._defence.begin:
            return augment(x)
        if self._noise is None:
            self._noise = self._defence.noise(state, source)
        signs = 2 * torch.randint(2, x.shape, generator=source, device=x.device) - 1
        return augment((x + self._noise[positions] + self._defence.random * signs).clamp(0, 1))
