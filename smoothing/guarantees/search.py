"""The largest radius at which a test still holds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smoothing.numerics.bracket import Bracket
from smoothing.numerics.rounding import Float

Margin = Callable[[float, NDArray[np.intp]], Float]
"""How far some rows (their positions) are from losing their certificate at a radius: certified where above 0."""

TOLERANCE = 1e-12
"""Relative accuracy of radii that are no whole numbers."""

SMALLEST = 1e-30
"""Radii below this are not looked for."""

PATIENCE = 2
"""Steps after which an interval that has not halved is halved."""


def largest_radius(margin: Margin, batch: int, limit: float, integer: bool) -> Float:
    """Find for every row a radius at which it is certified: the largest, where the margin never turns positive again.

    Every radius returned was tested itself, but for 0, which certifies nothing. Whole numbers are found by doubling and
    halving, which asks for few different radii, and for each of them once for all rows concerned.

    Args:
        margin: The test.
        batch: Number of rows.
        limit: No radius needs to be larger.
        integer: Whether radii are whole numbers; otherwise they are found to within `TOLERANCE`, from below.

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
        for radius in np.unique(point[open_]):
            rows = np.flatnonzero(open_ & (point == radius))
            ends.narrow(rows, point[rows], margin(float(radius), rows))
        growing &= (ends.low == ends.high) & (ends.low < limit)
        waited = np.where(ends.high - ends.low <= width / 2, 0, waited + 1)
        ends.high = np.where(growing, np.minimum(2 * ends.low, limit), ends.high)
