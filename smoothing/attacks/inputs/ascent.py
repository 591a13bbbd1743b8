"""Gradient ascent on a loss."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from smoothing.attacks.inputs.balls import Ball, L2Ball, along

EUCLIDEAN = L2Ball()


def ascend(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int,
    step: float | Tensor,
    project: Callable[[Tensor], Tensor],
    ball: Ball = EUCLIDEAN,
) -> Tensor:
    """Maximise a loss by projected gradient ascent.

    Args:
        loss: Maps objects ``(batch, ...)`` to losses ``(batch,)``.
        start: Initial objects, ``(batch, ...)``.
        steps: Number of steps.
        step: Size of a step, one number or ``(batch,)``.
        project: Projection applied after each step.
        ball: Ball in which steps are measured.

    Returns:
        Objects like ``start``, without gradient.
    """
    x = start.detach()
    length = along(torch.as_tensor(step, dtype=x.dtype, device=x.device), x)
    for _ in range(steps):
        x = project(x + length * direction(loss, x, ball)[0])
    return x


def direction(loss: Callable[[Tensor], Tensor], x: Tensor, ball: Ball = EUCLIDEAN) -> tuple[Tensor, Tensor]:
    """Return directions of steepest ascent, like ``x`` and of size one or zero, and losses ``(batch,)``."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        losses = loss(x)
        (gradient,) = torch.autograd.grad(losses.sum(), x)
    return ball.uphill(gradient), losses.detach()


@contextmanager
def standing_still(network: nn.Module) -> Iterator[None]:
    """Keep a network in evaluation mode, so that an attack does not update its normalisation statistics."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
