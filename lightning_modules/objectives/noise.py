"""Noise for training, as a function of a key."""

from collections.abc import Sequence
from itertools import count

from smoothing.attacks import Draws
from smoothing.measures import SmoothingMeasure


class Noise:
    """A source of draws for one batch.

    Args:
        measure: The smoothing measure.
        key: Whole numbers, at least 0, that identify the batch.
    """

    def __init__(self, measure: SmoothingMeasure, key: Sequence[int]) -> None:
        self.measure = measure
        self._key = tuple(key)
        self._count = count()

    def draws(self, number: int) -> Draws:
        """Return the next ``number`` draws per object, independent of all previous ones."""
        return Draws(self.measure, number, (*self._key, next(self._count)))
