"""Noise for training: draws that are functions of a key."""

from collections.abc import Sequence
from itertools import count

from smoothing.attacks import Draws
from smoothing.measures import SmoothingMeasure


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
