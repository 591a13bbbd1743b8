"""Noise for training: draws that are functions of a key, and that can be repeated at another object."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from smoothing.measures import SmoothingMeasure
from smoothing.random import generator


@dataclass(frozen=True)
class Draws:
    """Independent draws from a measure for every object of a batch: the same ones whenever and wherever asked.

    Attributes:
        measure: The smoothing measure.
        number: Draws m for each object, at least 1.
        key: What the draws are a function of.
    """

    measure: SmoothingMeasure
    number: int
    key: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Randomise a batch.

        Gradients pass through to ``x`` as through a sum, which is exact where noise is added and an estimate elsewhere.

        Args:
            x: Objects ``(batch, ...)``.

        Returns:
            ``(m * batch, ...)``: all objects under the first draw, then all under the second, and so on.
        """
        repeated = x.repeat(self.number, *[1] * (x.dim() - 1))
        with torch.no_grad():
            noisy = self.measure.sample_each(repeated, generator(self.key, x.device))
        return noisy + (repeated - repeated.detach()) if x.requires_grad else noisy


class Noise:
    """A source of draws for one batch.

    Args:
        measure: The smoothing measure.
        key: Whole numbers, at least 0, that tell the batch from all others.
    """

    def __init__(self, measure: SmoothingMeasure, key: Sequence[int]) -> None:
        self.measure = measure
        self._key = tuple(key)
        self._count = count()

    def draws(self, number: int) -> Draws:
        """The next ``number`` draws for each object, independent of all before."""
        return Draws(self.measure, number, (*self._key, next(self._count)))
