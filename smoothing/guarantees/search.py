"""Search for the largest certified radius."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smoothing.numerics.bracket import Bracket
from smoothing.numerics.rounding import Float

Margin = Callable[[float, NDArray[np.intp]], Float]
"""Function of a radius and row numbers. It returns one value per row, which is above 0 if the radius is certified."""

TOLERANCE = 1e-12
"""Relative accuracy of real-valued radii."""

SMALLEST = 1e-30
"""Smallest radius that is searched for."""

PATIENCE = 2
"""Number of steps after which an interval is bisected if it has not halved."""


def largest_radius(margin: Margin, batch: int, limit: float, integer: bool) -> Float:
    """Return a certified radius for every row, the largest if the margin is decreasing.

    Every returned radius was tested, except 0, which certifies nothing. Whole numbers are found by doubling and
    bisection. This requires few different radii, and each is tested once for all rows.

    Args:
        margin: The test.
        batch: Number of rows.
        limit: Largest possible radius.
        integer: Whether radii are whole numbers. Real radii are found up to `TOLERANCE`, from below.

    Returns:
        ``(batch,)`` float64, at least 0.
    """
    at_zero = margin(0.0, np.arange(batch))
    growing = at_zero > 0
    ends = Bracket(np.zeros(batch), np.where(growing, min(1.0, limit), 0), at_zero, np.full(batch, -np.inf))
    waited = np.zeros(batch, int)
    while True:
        gap = np.where(integer, 1.0, np.maximum(TOLERANCE * ends.high, SMALLEST))
        width = ends.high - ends.low
        open_ = growing | (width > gap)
        if not open_.any():
            return ends.low
        point = ends.low + width / 2
        if integer:
            point = np.floor(point)
        else:
            line = np.clip(ends.crossing(), ends.low + gap / 2, ends.high - gap / 2)
            point = np.where(waited < PATIENCE, line, point)
        point = np.where(growing, ends.high, point)
        searched, value = np.flatnonzero(open_), np.empty(batch)
        order = searched[np.argsort(point[searched], kind="stable")]
        for rows in np.split(order, np.flatnonzero(np.diff(point[order])) + 1):
            value[rows] = margin(float(point[rows[0]]), rows)
        ends.narrow(searched, point[searched], value[searched])
        growing &= (ends.low == ends.high) & (ends.low < limit)
        waited = np.where(ends.high - ends.low <= width / 2, 0, waited + 1)
        ends.high = np.where(growing, np.minimum(2 * ends.low, limit), ends.high)
