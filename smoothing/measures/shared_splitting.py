"""Splitting noise with one shift for all coordinates of a quantised image, certified by enumeration."""

from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from smoothing.arguments import at_least
from smoothing.measures.boxes import Splitting
from smoothing.measures.enumerable import EnumerableMeasure
from smoothing.measures.levels import Levels
from smoothing.numerics.random import generator


class SharedSplitting(EnumerableMeasure, Splitting):
    """`Splitting` for images with K levels, with points half-way between levels, l1 (Levine & Feizi 2021, section 4).

    One of ``2 lambda (K - 1)`` shifts is drawn for all coordinates. Each coordinate adds a fixed offset of its own. A
    change of one coordinate by one level alters one version, so a total change of ``D`` levels alters at most ``D``
    versions. The probability of any event changes by at most ``D / 2 lambda (K - 1)``, as under independent shifts.

    Args:
        width: Parameter ``lambda``, at least 1/2; ``2 lambda (K - 1)`` must be a whole number.
        num_levels: Number of levels K of the images, within 2 .. 65536.
        seed: Seed of the offsets, at least 0.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, width: float, num_levels: int = 256, seed: int = 0) -> None:
        super().__init__(width)
        self.num_levels, self.seed = num_levels, seed
        self._levels = Levels("SharedSplitting", num_levels)
        versions = 2 * Fraction(str(width)) * self._levels.steps
        if versions.denominator != 1:
            raise ValueError(f"SharedSplitting: width = {width}; must be a multiple of 1/{2 * self._levels.steps}")
        at_least(self, 0, seed=seed)
        self.versions = int(versions)
        self.assumptions = (self._levels.assumption,)

    def version(self, z: Tensor, numbers: Tensor) -> Tensor:
        """Return versions of ``z``; see `EnumerableMeasure.version`.

        Raises:
            ValueError: If a value of ``z`` is not a level.
        """
        codes, own = self._levels.codes(z), _own_numbers(self.versions, z.shape, self.seed).to(z.device)
        shift = (numbers.reshape(-1, *[1] * z.dim()) + own) % self.versions
        # Points and values differ by at least half a level, far more than rounding errors in double precision.
        steps = self._levels.steps
        return self.split(codes.double() / steps, (shift.double() + 0.5) / steps).to(z.dtype)


@lru_cache(maxsize=4)
def _own_numbers(versions: int, shape: torch.Size, seed: int) -> Tensor:
    return torch.randint(versions, tuple(shape), generator=generator((seed,)))
