"""Measures on images with a finite number of levels within [0, 1]."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.arguments import is_floating, is_generator
from smoothing.distance import Distance
from smoothing.measures.additive import AdditiveNoise
from smoothing.measures.discrete import CategoricalMeasure
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss

NEAR = 1e-6
"""Largest difference between a value and its level: rounding of a quotient in single precision."""

MOST_LEVELS = 2**16
"""Largest number of levels. Levels of a finer grid could not be distinguished within `NEAR`."""

LARGEST_NOISE = 2**53
"""Largest noise in levels. Float64 represents all whole numbers up to it."""


class Levels:
    """The grid ``0, 1/(K-1), ..., 1``.

    Args:
        owner: Name of the class, for error messages.
        num_levels: Number of levels K, within 2 .. `MOST_LEVELS`.

    Raises:
        ValueError: If ``num_levels`` is out of range.

    Attributes:
        steps: ``K - 1``.
        assumption: Assumption of certificates for such images.
    """

    def __init__(self, owner: str, num_levels: int) -> None:
        if not 2 <= num_levels <= MOST_LEVELS:
            raise ValueError(f"{owner}: num_levels = {num_levels}; must be within 2 .. {MOST_LEVELS}")
        self.owner = owner
        self.steps = num_levels - 1
        self.assumption = f"inputs are multiples of 1/{self.steps} within [0, 1]"

    def codes(self, z: Tensor) -> Tensor:
        """Return the indices of the levels in ``z``, int64.

        Raises:
            ValueError: If a value of ``z`` is not a level.
        """
        is_floating(self.owner, z=z)
        codes = (z * self.steps).round()
        off = ((z - codes / self.steps).abs() > NEAR) | (codes < 0) | (codes > self.steps) | z.isnan()
        if off.any():
            value = z[off][0].item()
            raise ValueError(f"{self.owner}: pixel = {value:.9g}; must be a multiple of 1/{self.steps} within [0, 1]")
        return codes.long()

    def values(self, codes: Tensor, like: Tensor) -> Tensor:
        """Return the values of level indices, which may lie outside [0, 1], in the dtype of ``like``."""
        return codes.to(like.dtype) / self.steps


class OnLevels(SmoothingMeasure):
    """A measure on images with levels, defined by a measure on level indices.

    Indices and levels correspond one to one, so law and distance are those of the inner measure.

    Args:
        measure: The inner measure.
        num_levels: Number of levels K, within 2 .. 65536; 256 for 8-bit images.

    Raises:
        ValueError: If ``num_levels`` is out of range.
    """

    exact_samples = True

    def __init__(self, measure: SmoothingMeasure, num_levels: int) -> None:
        self.measure = measure
        self.num_levels = num_levels
        self.levels = Levels(type(self).__name__, num_levels)
        self.assumptions = (*measure.assumptions, self.levels.assumption)

    @abstractmethod
    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Randomise level indices ``(objects, ...)``, int64, independently for each object."""

    @property
    def distance(self) -> Distance:
        """Distance of the inner measure."""
        return self.measure.distance

    def diameter(self, shape: Sequence[int]) -> float:
        """Return the diameter of the inner measure; see `SmoothingMeasure.diameter`."""
        return self.measure.diameter(shape)

    def check(self, z: Tensor) -> None:
        """Raise if a value is not a level; see `SmoothingMeasure.check`."""
        self.levels.codes(z)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of ``z``.

        Raises:
            ValueError: If a value of ``z`` is not a level.
        """
        is_floating(self, z=z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of each object; see `SmoothingMeasure.sample_each`.

        Raises:
            ValueError: If a value of ``z`` is not a level.
        """
        is_generator(self, generator)
        return self.levels.values(self.randomise(self.levels.codes(z), generator), z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss | list[PrivacyLoss]:
        """Return the privacy loss of the inner measure."""
        return self.measure.privacy_loss(radius, shape)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float | None:
        """Return the radius of the inner measure."""
        return self.measure.closed_form_radius(log_fail, log_rival, shape)


class Quantised(OnLevels):
    """A categorical measure on images with K levels.

    Args:
        measure: The inner measure, for example `Discrete` with ``num_classes = K``.
    """

    def __init__(self, measure: CategoricalMeasure) -> None:
        super().__init__(measure, measure.num_classes)

    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Randomise level indices with the inner measure."""
        return self.measure.sample_each(codes, generator)


class Rounded(OnLevels):
    """Additive noise, rounded to whole levels and not clipped (Voracek and Hein 2023; THEORY.md section 5).

    A level plus rounded noise equals the rounded sum of level and noise. A sample is therefore a function of a sample
    under the noise, and the privacy loss of the noise is an upper bound. Noise is drawn in double precision and rounded
    before the sum, so that rounding errors do not depend on the object.

    Args:
        measure: The noise, for example `Gaussian`.
        num_levels: Number of levels of the images, within 2 .. 65536.

    Raises:
        ValueError: If ``num_levels`` is out of range.
    """

    def __init__(self, measure: AdditiveNoise, num_levels: int = 256) -> None:
        super().__init__(measure, num_levels)
        self._noise = measure

    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise in whole levels.

        Raises:
            ValueError: If the noise exceeds `LARGEST_NOISE`. Clipping it would reveal the object.
        """
        noise = self._noise.draw(codes.double(), generator) * self.levels.steps
        if noise.numel() and not (size := float(noise.abs().max())) <= LARGEST_NOISE:
            raise ValueError(f"Rounded: noise = {size:.3g} levels; must be at most {LARGEST_NOISE}")
        return codes + noise.round_().long()
