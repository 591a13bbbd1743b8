"""Noise that is uniform on a box, where what counts is how much of two boxes overlaps."""

from abc import abstractmethod
from collections.abc import Sequence
from math import expm1, log1p, prod

import numpy as np
import torch
from torch import Tensor

from smoothing.arguments import is_floating, is_generator, within
from smoothing.distance import Distance
from smoothing.measures.additive import LONGEST, SHORTEST, AdditiveNoise
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import EPSILON, Float, balance
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss

OUTWARD = 1e-13
"""Relative step by which masses are rounded up and radii down."""


class OverlapMeasure(SmoothingMeasure):
    """A measure whose only information is what leaves the support: ``G(f) = f + lost(r)`` (THEORY.md section 2)."""

    @abstractmethod
    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """Probability that a sample of an object at distance ``radius`` could not be one of ``z``; at most 1."""

    @abstractmethod
    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """The distance at which that probability is ``lost``, ``(batch,)``."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """What leaves the support, and nothing else."""
        return OverlapLoss(min(self.lost(radius, shape) * (1 + OUTWARD), 1.0))

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Where ``fA + fB + 2 lost = 1``; see `SmoothingMeasure.closed_form_radius`."""
        fail, rival = balance(log_fail), balance(log_rival)
        room = (fail + rival) / 4 - EPSILON * (np.abs(fail) + np.abs(rival))
        return self.radius_of(np.maximum(room, 0), shape) * (1 - OUTWARD)


class UniformLinf(AdditiveNoise, OverlapMeasure):
    """Uniform noise on a cube, l-inf: cubes shifted by ``r`` along the diagonal overlap least.

    Args:
        half_width: Noise is uniform on ``[-half_width, half_width]`` in every coordinate, above 0.
    """

    def __init__(self, half_width: float) -> None:
        within(self, SHORTEST, LONGEST, half_width=half_width)
        self.half_width = half_width

    @property
    def distance(self) -> Distance:
        """Largest absolute change; a radius R covers less than R."""
        return Distance("linf", "input units", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Uniform noise like ``z``."""
        return torch.empty_like(z).uniform_(-self.half_width, self.half_width, generator=generator)

    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """``1 - (1 - r / 2 half_width)^dim``."""
        share = radius / (2 * self.half_width)
        return -expm1(prod(shape) * log1p(-share)) if share < 1 else 1.0

    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """``2 half_width (1 - (1 - lost)^(1 / dim))``."""
        return np.asarray(-2 * self.half_width * np.expm1(np.log1p(-lost) / prod(shape)))


class Splitting(OverlapMeasure):
    """Every coordinate is told only between which two of its splitting points it lies, l1 (Levine & Feizi 2021).

    On inputs within [0, 1], with ``s`` uniform on ``[0, 2 lambda)``, a coordinate becomes the middle of the interval
    between neighbouring points ``s + 2 lambda k`` that holds it, cut to [0, 1]. A change of ``d`` is seen by a point
    between old and new value alone, with probability ``d / 2 lambda``; by the union over coordinates one shared ``s``
    serves as well as independent ones.

    Args:
        width: The parameter ``lambda``, half the distance of splitting points, at least 1/2.
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
        """Split every coordinate at a point of its own."""
        is_floating(self, z=z)
        is_generator(self, generator)
        # In half precision the splitting points would lie on a coarse grid.
        wide = z.to(torch.promote_types(z.dtype, torch.float32))
        return self.split(wide, torch.empty_like(wide).uniform_(0, 2 * self.width, generator=generator)).to(z.dtype)

    def split(self, z: Tensor, s: Tensor) -> Tensor:
        """The middle of the interval that holds each coordinate of ``z``, split at ``s`` modulo ``2 width``."""
        period = 2 * self.width
        cell = torch.ceil((z - s) / period)
        return ((cell * period + s).clamp(max=1) + ((cell - 1) * period + s).clamp(min=0)) / 2

    def lost(self, radius: float, shape: Sequence[int]) -> float:
        """``r / 2 lambda``."""
        return min(radius / (2 * self.width), 1.0)

    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        """``2 lambda lost``."""
        return np.asarray(2 * self.width * lost)
