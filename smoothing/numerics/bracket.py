"""Vectorised search for zeros of decreasing functions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smoothing.numerics.rounding import Float


class Bracket:
    """Intervals that contain zeros of decreasing functions, narrowed by regula falsi.

    If an end does not move in two consecutive steps, its function value is halved, so that both ends converge (the
    "Illinois" algorithm, Dowell and Jarratt 1971).

    Args:
        low: ``(n,)`` lower ends.
        high: ``(n,)`` upper ends.
        at_low: ``(n,)`` values at the lower ends, at least 0.
        at_high: ``(n,)`` values at the upper ends, at most 0; minus infinity if unknown.
    """

    def __init__(self, low: Float, high: Float, at_low: Float, at_high: Float) -> None:
        self.low, self.high = low.copy(), high.copy()
        self._at_low, self._at_high = at_low.copy(), at_high.copy()
        self._rose = np.zeros(len(low), bool)

    def crossing(self) -> Float:
        """Return zeros of the lines through both ends, ``(n,)``; the midpoint if a value is infinite."""
        known = np.isfinite(self._at_high) & (self._at_low > self._at_high)
        share = np.divide(self._at_low, self._at_low - self._at_high, out=np.full(len(known), 0.5), where=known)
        return np.asarray(self.low + (self.high - self.low) * share)

    def narrow(self, rows: NDArray[np.intp], point: Float, value: Float) -> None:
        """Move one end of the selected rows to ``point``, where their functions have the value ``value``."""
        positive = value > 0
        up, down = rows[positive], rows[~positive]
        self._at_high[up[self._rose[up]]] /= 2
        self._at_low[down[~self._rose[down]]] /= 2
        self.low[up], self._at_low[up] = point[positive], value[positive]
        self.high[down], self._at_high[down] = point[~positive], value[~positive]
        self._rose[rows] = positive


def zeros(function: Callable[[Float], Float], low: Float, high: Float, steps: int, near: float) -> Float:
    """Return zeros of decreasing functions, ``(n,)``.

    Args:
        function: Maps points ``(n,)`` to values ``(n,)``, each of its own function.
        low: ``(n,)`` lower ends of intervals that contain the zeros.
        high: ``(n,)`` upper ends.
        steps: Largest number of steps.
        near: A value that is nearer to 0 ends the search of its zero.
    """
    bracket = Bracket(low, high, np.maximum(function(low), 0), np.minimum(function(high), 0))
    points = bracket.crossing()
    for _ in range(steps):
        values = function(points)
        # Converged points are not changed, so that a point does not depend on other entries of the batch.
        far = np.flatnonzero(np.abs(values) >= near)
        if not len(far):
            break
        bracket.narrow(far, points[far], values[far])
        points[far] = bracket.crossing()[far]
    return points
