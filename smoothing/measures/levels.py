"""Measures of images whose values lie on a grid of levels within [0, 1]."""

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
"""How far from a level a value may be to be taken for it: what single precision makes of a quotient."""

MOST_LEVELS = 2**16
"""More levels than this are not told apart at once from what is near to them."""

LARGEST_NOISE = 2**53
"""Most levels of noise, which float64 still tells apart."""


class Levels:
    """The grid ``0, 1/(K-1), ..., 1``.

    Args:
        owner: Class that speaks in errors.
        num_levels: Number of levels K, within 2 .. `MOST_LEVELS`.

    Attributes:
        steps: ``K - 1``.
        assumption: What a certificate of such images takes for granted.
    """

    def __init__(self, owner: str, num_levels: int) -> None:
        if not 2 <= num_levels <= MOST_LEVELS:
            raise ValueError(f"{owner}: num_levels = {num_levels}; must be within 2 .. {MOST_LEVELS}")
        self.owner = owner
        self.steps = num_levels - 1
        self.assumption = f"inputs are multiples of 1/{self.steps} within [0, 1]"

    def codes(self, z: Tensor) -> Tensor:
        """The numbers of the levels that ``z`` holds, int64.

        Raises:
            ValueError: If it holds anything else.
        """
        is_floating(self.owner, z=z)
        codes = (z * self.steps).round()
        off = ((z - codes / self.steps).abs() > NEAR) | (codes < 0) | (codes > self.steps) | z.isnan()
        if off.any():
            value = z[off][0].item()
            raise ValueError(f"{self.owner}: pixel = {value:.9g}; must be a multiple of 1/{self.steps} within [0, 1]")
        return codes.long()

    def values(self, codes: Tensor, like: Tensor) -> Tensor:
        """What stands for levels, also beyond 0 and 1, in the type of ``like``."""
        return codes.to(like.dtype) / self.steps


class OnLevels(SmoothingMeasure):
    """A measure on the numbers of levels, for objects that hold the levels themselves.

    Numbers and levels are one to one, so law and distance are those of the measure within.

    Args:
        measure: The measure within.
        num_levels: Number of levels K, at least 2; 256 for the usual images.
    """

    exact_samples = True

    def __init__(self, measure: SmoothingMeasure, num_levels: int) -> None:
        self.measure = measure
        self.num_levels = num_levels
        self.levels = Levels(type(self).__name__, num_levels)
        self.assumptions = (*measure.assumptions, self.levels.assumption)

    @abstractmethod
    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Randomise numbers of levels, ``(objects, ...)`` int64, each object independently."""

    @property
    def distance(self) -> Distance:
        """The distance of the measure within."""
        return self.measure.distance

    def diameter(self, shape: Sequence[int]) -> float:
        """See `SmoothingMeasure.diameter`."""
        return self.measure.diameter(shape)

    def check(self, z: Tensor) -> None:
        """Refuse what holds anything but levels; see `SmoothingMeasure.check`."""
        self.levels.codes(z)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of ``z``.

        Raises:
            ValueError: If ``z`` holds anything but levels.
        """
        is_floating(self, z=z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of each object; see `SmoothingMeasure.sample_each`.

        Raises:
            ValueError: If ``z`` holds anything but levels.
        """
        is_generator(self, generator)
        return self.levels.values(self.randomise(self.levels.codes(z), generator), z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss | list[PrivacyLoss]:
        """The law of the measure within."""
        return self.measure.privacy_loss(radius, shape)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float | None:
        """The radius of the measure within."""
        return self.measure.closed_form_radius(log_fail, log_rival, shape)


class Quantised(OnLevels):
    """A measure of values ``0 .. K-1``, for images of K levels.

    Args:
        measure: For example `Discrete`, whose number of classes is the number of levels.
    """

    def __init__(self, measure: CategoricalMeasure) -> None:
        super().__init__(measure, measure.num_classes)

    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Randomise numbers of levels by the measure within."""
        return self.measure.sample_each(codes, generator)


class Rounded(OnLevels):
    """Added noise, rounded to whole levels and not clipped (Voracek and Hein 2023; THEORY.md section 5).

    Levels plus rounded noise are levels plus noise, rounded: the samples are functions of the noise's own, so its law
    holds. All levels are possible wherever the object lies, and noise is drawn in double precision and rounded before
    it is added, so that no rounding error tells of the object.

    Args:
        measure: The noise, for example `Gaussian`.
        num_levels: Number of levels of the images, at least 2.
    """

    def __init__(self, measure: AdditiveNoise, num_levels: int = 256) -> None:
        super().__init__(measure, num_levels)
        self._noise = measure

    def randomise(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Add whole numbers of levels.

        Raises:
            ValueError: If the noise is larger than whole numbers are told apart. What is cut off tells of the object.
        """
        noise = self._noise.draw(codes.double(), generator) * self.levels.steps
        if noise.numel() and not (size := float(noise.abs().max())) <= LARGEST_NOISE:
            raise ValueError(f"Rounded: noise = {size:.3g} levels; must be at most {LARGEST_NOISE}")
        return codes + noise.round_().long()
