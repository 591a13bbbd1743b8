"""Balls of changes: projections and directions of steepest ascent."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from smoothing.distance import Distance


class Ball(ABC):
    """Set of changes of at most a given size in some norm."""

    @abstractmethod
    def size(self, change: Tensor) -> Tensor:
        """Return the sizes ``(batch,)`` of changes ``(batch, ...)``."""

    @abstractmethod
    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Return the nearest changes in l2 of at most the given sizes.

        Args:
            change: ``(batch, ...)``.
            radius: ``(batch,)``, at least 0.
        """

    @abstractmethod
    def uphill(self, gradient: Tensor) -> Tensor:
        """Return the change of size 1 with the largest product with each gradient ``(batch, ...)``; zero for zero."""


class L2Ball(Ball):
    """Ball in the l2 norm."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        length: Tensor = torch.linalg.vector_norm(change.flatten(1), dim=1)
        return length

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Rescale changes that are too long."""
        size = self.size(change)
        return change * along(torch.where(size > radius, radius / size, 1.0), change)

    def uphill(self, gradient: Tensor) -> Tensor:
        """Return the gradient, scaled to length 1."""
        # In two steps, since squares of small numbers underflow.
        flat = gradient.flatten(1)
        scaled = flat / _not_zero(flat.abs().amax(1, keepdim=True))
        return (scaled / _not_zero(torch.linalg.vector_norm(scaled, dim=1, keepdim=True))).view_as(gradient)


class LinfBall(Ball):
    """Ball in the l-infinity norm."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        return change.flatten(1).abs().amax(1)

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Clip every coordinate."""
        limit = along(radius, change)
        return torch.minimum(torch.maximum(change, -limit), limit)

    def uphill(self, gradient: Tensor) -> Tensor:
        """Return the sign of every coordinate."""
        return gradient.sign()


class L1Ball(Ball):
    """Ball in the l1 norm."""

    def size(self, change: Tensor) -> Tensor:
        """See `Ball.size`."""
        return change.flatten(1).abs().sum(1)

    def project(self, change: Tensor, radius: Tensor) -> Tensor:
        """Apply soft thresholding (Duchi et al. 2008, figure 1)."""
        flat, sizes = change.flatten(1), radius[:, None]
        sorted_, _ = flat.abs().sort(1, descending=True)
        excess = (sorted_.cumsum(1) - sizes) / torch.arange(1, flat.shape[1] + 1, device=flat.device)
        kept = (sorted_ > excess).sum(1, keepdim=True).clamp(min=1)
        off = excess.gather(1, kept - 1).clamp(min=0)
        return (flat.sign() * (flat.abs() - off).clamp(min=0)).view_as(change)

    def uphill(self, gradient: Tensor) -> Tensor:
        """Return the sign of the steepest coordinate, and zero elsewhere."""
        flat = gradient.flatten(1)
        steepest = flat.abs().argmax(1, keepdim=True)
        return torch.zeros_like(flat).scatter(1, steepest, flat.gather(1, steepest).sign()).view_as(gradient)


class ScaledBall(Ball):
    """Ball of changes that are divided by a scale, for noise with a scale per coordinate.

    The projection is nearest in the scaled space.

    Args:
        ball: Ball of the scaled changes.
        scale: Scale of each coordinate, above 0; broadcast to an object.
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
"""Ball of each norm and unit."""


def ball_of(distance: Distance) -> Ball:
    """Return the ball of a distance.

    Raises:
        ValueError: If there is none for its norm and unit.
    """
    key = distance.norm, distance.unit
    if key not in BALLS:
        known = ", ".join(f"{norm} ({unit})" for norm, unit in BALLS)
        raise ValueError(f"ball: not given; must be given for {key[0]} ({key[1]}), defaults exist for {known}")
    return BALLS[key]


def along(values: Tensor, x: Tensor) -> Tensor:
    """Return values ``(batch,)`` in a shape that multiplies objects ``(batch, ...)``."""
    return values.view(-1, *[1] * (x.dim() - 1))


def _not_zero(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, torch.ones_like(size))
