"""Zeros of many falling functions at once."""

import numpy as np
from numpy.typing import NDArray

from smoothing.numerics.rounding import Float


class Bracket:
    """Intervals in which falling functions cross zero, narrowed along the line between their ends.

    An end that stays put twice has its value halved, so that both ends close in (Dowell and Jarratt 1971, "Illinois").

    Args:
        low: ``(n,)`` lower ends.
        high: ``(n,)`` upper ends.
        at_low: ``(n,)`` values there, at least 0.
        at_high: ``(n,)`` values there, at most 0; minus infinity where unknown.
    """

    def __init__(self, low: Float, high: Float, at_low: Float, at_high: Float) -> None:
        self.low, self.high = low.copy(), high.copy()
        self._at_low, self._at_high = at_low.copy(), at_high.copy()
        self._rose = np.zeros(len(low), bool)

    def crossing(self) -> Float:
        """Where the lines cross zero, ``(n,)``; the middle beside an infinite value."""
        known = np.isfinite(self._at_high) & (self._at_low > self._at_high)
        share = np.divide(self._at_low, self._at_low - self._at_high, out=np.full(len(known), 0.5), where=known)
        return np.asarray(self.low + (self.high - self.low) * share)

    def narrow(self, rows: NDArray[np.intp], point: Float, value: Float) -> None:
        """Move one end of each of some rows to ``point``, where its function is ``value``."""
        positive = value > 0
        up, down = rows[positive], rows[~positive]
        self._at_high[up[self._rose[up]]] /= 2
        self._at_low[down[~self._rose[down]]] /= 2
        self.low[up], self._at_low[up] = point[positive], value[positive]
        self.high[down], self._at_high[down] = point[~positive], value[~positive]
        self._rose[rows] = positive
