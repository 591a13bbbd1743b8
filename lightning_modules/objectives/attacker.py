"""Adversarial examples of a smoothed classifier, for training against them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from lightning_modules.objectives.noise import Draws
from lightning_modules.objectives.objective import mean_log_probability


class Attacker(ABC):
    """Looks for a small change of an image that the mean prediction under given draws does not survive."""

    @abstractmethod
    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        """Attack one batch.

        Args:
            network: From noisy images to logits ``(n, K)``.
            draws: The noise, the same at every image that is tried.
            x: Images ``(batch, ...)`` within [0, 1].
            labels: ``(batch,)`` int64.
            strength: Share of the attacker's radius that it may use, within (0, 1].

        Returns:
            Images like ``x``, within [0, 1], that carry no gradient.
        """


def smoothed_loss(network: nn.Module, draws: Draws, x: Tensor, labels: Tensor) -> Tensor:
    """``-log mean_i F(x + noise_i)_y``, ``(batch,)`` (Salman et al. 2019, eq. S)."""
    return nll_loss(mean_log_probability(network(draws(x)), draws.number), labels, reduction="none")


def ascend(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int,
    step: float,
    project: Callable[[Tensor], Tensor],
) -> Tensor:
    """Climb: go ``step`` along each object's gradient, made one long, and project.

    Args:
        loss: From objects to one loss each, ``(batch,)``.
        start: Where to start, ``(batch, ...)``.
        steps: Number of steps.
        step: Length of a step, in l2.
        project: What is done to the objects after each step.

    Returns:
        Objects like ``start``, without gradient.
    """
    x = start.detach()
    for _ in range(steps):
        x = project(x + step * direction(loss, x)[0])
    return x


def direction(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of each object's loss, one long or zero, like ``x``; and the losses ``(batch,)``."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        losses = loss(x)
        (gradient,) = torch.autograd.grad(losses.sum(), x)
    return torch.nn.functional.normalize(gradient.flatten(1)).view_as(x), losses.detach()


def shorten(change: Tensor, radius: float) -> Tensor:
    """Changes ``(batch, ...)``, none longer than ``radius`` in l2."""
    return change.renorm(2, 0, radius)


@contextmanager
def standing_still(network: nn.Module) -> Iterator[None]:
    """Keep a network in evaluation mode, so that attacking leaves the statistics of its normalisations alone."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
