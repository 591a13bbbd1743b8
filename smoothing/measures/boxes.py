"""Uniform noise, certified by the overlap of supports."""

from abc import abstractmethod
from collections.abc import Sequence
from math import expm1, log1p, prod

import numpy as np
import torch
from torch import Tensor

from smoothing.arguments import is_floating, is_generator, within
from smoothing.distance import Distance
from smoothing.measures.additive import LONGEST, SHORTEST, AdditiveNoise
from smoothing.measures.measure import OUTWARD, SmoothingMeasure
from smoothing.numerics.rounding import EPSILON, Float, balance
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss


class OverlapMeasure(SmoothingMeasure):
    """A measure with ``G(f) = f + lost(r)``; ``lost`` is the mass outside the common support (THEORY.md section 2)."""

    @abstractmethod
    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """Return the probability that a sample of an object at distance ``radius`` is impossible under ``z``."""

    @abstractmethod
    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """Return the distance ``(batch,)`` at which that probability equals ``lost``, ``(batch,)``."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of the mass outside the common support."""
        return OverlapLoss(min(self.lost(radius, shape) * (1 + OUTWARD), 1.0))

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Return the radius with ``fA + fB + 2 lost = 1``; see `SmoothingMeasure.closed_form_radius`."""
        fail, rival = balance(log_fail), balance(log_rival)
        room = (fail + rival) / 4 - EPSILON * (np.abs(fail) + np.abs(rival))
        return self.radius_of(np.maximum(room, 0), shape) * (1 - OUTWARD)


class UniformLinf(AdditiveNoise, OverlapMeasure):
    """Uniform noise on a cube, l-inf. Cubes shifted by ``r`` along the diagonal overlap least.

    Args:
        half_width: Noise is uniform on ``[-half_width, half_width]`` in every coordinate, in input units, within
            [1e-30, 1e30].

    Raises:
        ValueError: If ``half_width`` is out of range.
    """

    def __init__(self, half_width: float) -> None:
        within(self, SHORTEST, LONGEST, half_width=half_width)
        self.half_width = half_width

    @property
    def distance(self) -> Distance:
        """Largest absolute change, strict."""
        return Distance("linf", "input units", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw uniform noise; see `AdditiveNoise.draw`."""
        return torch.empty_like(z).uniform_(-self.half_width, self.half_width, generator=generator)

    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """Return ``1 - (1 - r / 2 half_width)^dim``."""
        share = radius / (2 * self.half_width)
        return -expm1(prod(shape) * log1p(-share)) if share < 1 else 1.0

    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """Return ``2 half_width (1 - (1 - lost)^(1 / dim))``."""
        return np.asarray(-2 * self.half_width * np.expm1(np.log1p(-lost) / prod(shape)))


class Splitting(OverlapMeasure):
    """Splitting noise, l1 (Levine & Feizi 2021).

    For inputs within [0, 1] and ``s`` uniform on ``[0, 2 lambda)``, a coordinate is replaced by the centre of the
    interval between adjacent splitting points ``s + 2 lambda k`` that contains it, clipped to [0, 1]. A change of size
    ``d`` alters the sample only if a splitting point lies between old and new value, which has probability at most
    ``d / 2 lambda``. By a union bound over coordinates this also holds if all coordinates share one ``s``.

    Args:
        width: Parameter ``lambda``, half the distance between splitting points, within [1/2, 1e30].

    Raises:
        ValueError: If ``width`` is out of range.
    """

    coordinatewise = True

    def __init__(self, width: float) -> None:
        within(self, 0.5, LONGEST, width=width)
        self.width = width

    @property
    def distance(self) -> Distance:
        """Sum of absolute changes; a radius R covers less than R."""
        return Distance("l1", "input units", integer=False, strict=True)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a splitting point for every coordinate, independently; see `SmoothingMeasure.sample`."""
        is_floating(self, z=z)
        is_generator(self, generator)
        # In half precision, splitting points would lie on a coarse grid.
        wide = z.to(torch.promote_types(z.dtype, torch.float32))
        return self.split(wide, torch.empty_like(wide).uniform_(0, 2 * self.width, generator=generator)).to(z.dtype)

    def split(self, z: Tensor, s: Tensor) -> Tensor:
        """Return the centre of the interval containing each coordinate of ``z``, split at ``s`` modulo ``2 width``."""
        period = 2 * self.width
        cell = torch.ceil((z - s) / period)
        return ((cell * period + s).clamp(max=1) + ((cell - 1) * period + s).clamp(min=0)) / 2

    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """Return ``r / 2 lambda``."""
        return min(radius / (2 * self.width), 1.0)

    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """Return ``2 lambda lost``."""
        return np.asarray(2 * self.width * lost)
