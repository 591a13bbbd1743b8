"""Directed rounding (THEORY.md section 3)."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
"""Twice the largest relative error of one operation on float64 numbers."""

LOG_HALF_DOWN = float(np.nextafter(np.log(0.5), -np.inf))
"""A float64 just below ``log(1/2)``."""

LOG_2 = (float(np.log(2)), 2.3190468138462996e-17)
"""``log 2`` as a sum of two float64 numbers."""

WIDE = np.longdouble
"""Widest hardware float. Error bounds use its own `UNIT`, so they also hold on machines where it is float64."""

UNIT = np.finfo(WIDE).eps


def wide(value: Fraction) -> np.longdouble:
    """Return a fraction as a wide float, with a relative error of at most one `UNIT`."""
    head = float(value)
    return WIDE(head) + WIDE(float(value - Fraction(head)))


def down(value: np.longdouble | Fraction) -> float:
    """Return the largest float64 that is at most ``value``."""
    near = float(value)
    return float(np.nextafter(near, -np.inf)) if near > value else near


def up(value: np.longdouble | Fraction) -> float:
    """Return the smallest float64 that is at least ``value``."""
    return -down(-value)


def step_up(value: Float, ulps: int) -> Float:
    """Increase float64 numbers by ``ulps`` units in the last place."""
    for _ in range(ulps):
        value = np.nextafter(value, np.inf)
    return value


def balance(log_p: Float) -> Float:
    """Return ``1 - 2 p`` from ``log p``, accurate to two units in the last place, also near 0."""
    return np.asarray(-np.expm1((log_p + LOG_2[0]) + LOG_2[1]))
