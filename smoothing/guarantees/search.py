"""The largest radius at which a test still holds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smoothing.rounding import Float

Holds = Callable[[float, NDArray[np.intp]], NDArray[np.bool_]]
"""Whether each of some rows (their positions) is certified at a radius."""


def largest_radius(holds: Holds, batch: int, limit: float, integer: bool) -> Float:
    """Find for every row a radius at which it is certified: the largest, where the test never turns true again.

    Every radius returned was tested itself, but for 0, which certifies nothing. Doubling and halving ask for few
    different radii, and for each of them once for all rows concerned.

    Args:
        holds: The test.
        batch: Number of rows.
        limit: No radius needs to be larger.
        integer: Whether radii are whole numbers; otherwise they are found to the last bit.

    Returns:
        ``(batch,)`` float64, at least 0.
    """
    low, high = np.zeros(batch), np.full(batch, min(1.0, limit))
    growing = np.ones(batch, bool)
    while (open_ := _open(low, high, integer) | growing).any():
        middle = np.where(growing, high, _between(low, high, integer))
        for radius in np.unique(middle[open_]):
            rows = np.flatnonzero(open_ & (middle == radius))
            good = holds(float(radius), rows)
            low[rows[good]] = radius
            high[rows[~good]] = radius
            growing[rows[~good]] = False
        growing &= low < limit
        high = np.where(growing, np.minimum(2 * low, limit), high)
    return low


def _open(low: Float, high: Float, integer: bool) -> NDArray[np.bool_]:
    middle = _between(low, high, integer)
    return np.asarray((low < middle) & (middle < high))


def _between(low: Float, high: Float, integer: bool) -> Float:
    middle = low + (high - low) / 2
    return np.floor(middle) if integer else middle
