"""Splitting noise that is drawn once for all coordinates of a quantised image, so that no drawing is needed."""

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
    """`Splitting` of images of K levels at points half-way between levels, l1 (Levine & Feizi 2021, section 4).

    One shift of ``2 lambda (K - 1)`` is drawn for all coordinates, each of which adds a number of its own, fixed once
    and for all. A coordinate that moves by one level changes in one of all versions, so ``D`` levels in all change at
    most ``D`` versions: of the mass of any event at most ``D / 2 lambda (K - 1)``, as under independent splits.

    Args:
        width: The parameter ``lambda``, at least 1/2; ``2 lambda (K - 1)`` must be a whole number.
        num_levels: Number of levels K of the images, at least 2.
        seed: What the coordinates' own numbers are drawn from, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
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
        """See `EnumerableMeasure.version`.

        Raises:
            ValueError: If ``z`` holds anything but levels.
        """
        codes, own = self._levels.codes(z), _own_numbers(self.versions, z.shape, self.seed).to(z.device)
        shift = (numbers.reshape(-1, *[1] * z.dim()) + own) % self.versions
        # In double precision the half level between points and values is far more than rounding.
        steps = self._levels.steps
        return self.split(codes.double() / steps, (shift.double() + 0.5) / steps).to(z.dtype)


@lru_cache(maxsize=4)
def _own_numbers(versions: int, shape: torch.Size, seed: int) -> Tensor:
    return torch.randint(versions, tuple(shape), generator=generator((seed,)))
