"""Inverse of a guarantee: the vote bound required for a radius."""

from collections.abc import Sequence

import numpy as np

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float

PARTS = 17
"""Number of parts into which an interval is divided per call of the guarantee."""


def log_limit(guarantee: Guarantee, measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> float:
    """Return the largest ``log(1 - p_A)`` at which a radius is certified.

    The guarantee certifies the radius at the returned number, and therefore at all smaller ones.

    Args:
        guarantee: The guarantee. Its bound is one-sided: ``p_c <= 1 - p_A``.
        measure: Smoothing measure.
        radius: Requested radius, at least 0. Radius 0 requires only a majority.
        shape: Shape of the object that the measure randomises.

    Returns:
        Float64 below 0, the largest up to the last bits; minus infinity if no bound is sufficient.
    """

    def first_certified(falling: Float) -> int:
        bound = VoteBound.one_sided(falling)
        good = guarantee.leads(measure, bound, shape) & (guarantee.radius(measure, bound, shape) >= radius)
        return int(good.argmax()) if good.any() else len(falling)

    cuts = np.concatenate([[0.0], -np.logspace(-4, 40, 45, base=2.0)])
    high, low = 0.0, -np.inf
    while len(cuts):
        place = first_certified(cuts)
        if place == len(cuts) and low == -np.inf:
            break
        high, low = (cuts[place - 1] if place else high), (cuts[place] if place < len(cuts) else low)
        cuts = np.unique(np.linspace(high, low, PARTS + 1))[::-1]
        cuts = cuts[(low < cuts) & (cuts < high)]
    return float(low)
