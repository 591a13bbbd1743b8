"""Balls of changes: how to stay inside, and which way leads uphill fastest."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from smoothing.distance import Distance


class Ball(ABC):
    """Changes of at most a given size in some norm."""

    @abstractmethod
    def size(self, change: Tensor) -> Tensor:
        """Size of each change, ``(batch,)``, of changes ``(batch, ...)``."""

    @abstractmethod
    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """The nearest changes in l2 that are no larger than allowed.

        Args:
            change: ``(batch, ...)``.
            radius: ``(batch,)``, at least 0.
        """

    @abstractmethod
    def uphill(self, gradient: Tensor) -> Tensor:
        """The change of size 1 that gains most along each gradient ``(batch, ...)``; zero where the gradient is."""


class L2Ball(Ball):
    """Euclidean length."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        length: Tensor = torch.linalg.vector_norm(change.flatten(1), dim=1)
        return length

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Shorten what is too long."""
        size = self.size(change)
        return change * along(torch.where(size > radius, radius / size, 1.0), change)

    def uphill(self, gradient: Tensor) -> Tensor:
        """The gradient itself."""
        # In two steps, since squares of small numbers are zero.
        flat = gradient.flatten(1)
        scaled = flat / _not_zero(flat.abs().amax(1, keepdim=True))
        return (scaled / _not_zero(torch.linalg.vector_norm(scaled, dim=1, keepdim=True))).view_as(gradient)


class LinfBall(Ball):
    """Largest absolute change."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        return change.flatten(1).abs().amax(1)

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Cut every coordinate."""
        limit = along(radius, change)
        return torch.minimum(torch.maximum(change, -limit), limit)

    def uphill(self, gradient: Tensor) -> Tensor:
        """Every coordinate alike."""
        return gradient.sign()


class L1Ball(Ball):
    """Sum of absolute changes."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        return change.flatten(1).abs().sum(1)

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Take the same off every coordinate that has so much (Duchi et al. 2008, figure 1)."""
        flat, sizes = change.flatten(1), radius[:, None]
        sorted_, _ = flat.abs().sort(1, descending=True)
        excess = (sorted_.cumsum(1) - sizes) / torch.arange(1, flat.shape[1] + 1, device=flat.device)
        kept = (sorted_ > excess).sum(1, keepdim=True).clamp(min=1)
        off = excess.gather(1, kept - 1).clamp(min=0)
        return (flat.sign() * (flat.abs() - off).clamp(min=0)).view_as(change)

    def uphill(self, gradient: Tensor) -> Tensor:
        """The steepest coordinate alone."""
        flat = gradient.flatten(1)
        steepest = flat.abs().argmax(1, keepdim=True)
        return torch.zeros_like(flat).scatter(1, steepest, flat.gather(1, steepest).sign()).view_as(gradient)


class ScaledBall(Ball):
    """Changes measured after division by a scale, as for noise whose coordinates differ in size.

    Projection is the nearest in the scaled space.

    Args:
        ball: How scaled changes are measured.
        scale: Above 0; broadcast to an object.
    """

    def __init__(self, ball: Ball, scale: Tensor) -> None:
        self.ball = ball
        self.scale = scale

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        return self.ball.size(change / self.scale.to(change))

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """See `Ball.project`."""
        scale = self.scale.to(change)
        return self.ball.project(change / scale, radius) * scale

    def uphill(self, gradient: Tensor) -> Tensor:
        """See `Ball.uphill`."""
        scale = self.scale.to(gradient)
        return self.ball.uphill(gradient * scale) * scale


BALLS: dict[tuple[str, str], Ball] = {
    ("l1", "input units"): L1Ball(),
    ("l2", "input units"): L2Ball(),
    ("linf", "input units"): LinfBall(),
}
"""Balls by norm and unit."""


def ball_of(distance: Distance) -> Ball:
    """The ball that a radius in ``distance`` speaks of.

    Raises:
        ValueError: If none is known.
    """
    key = distance.norm, distance.unit
    if key not in BALLS:
        known = ", ".join(f"{norm} ({unit})" for norm, unit in BALLS)
        raise ValueError(f"ball: not given, and none is known for {key[0]} ({key[1]}); known are {known}")
    return BALLS[key]


def along(values: Tensor, x: Tensor) -> Tensor:
    """One value for each object, ``(batch,)``, shaped to multiply objects ``(batch, ...)``."""
    return values.view(-1, *[1] * (x.dim() - 1))


def _not_zero(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, torch.ones_like(size))
