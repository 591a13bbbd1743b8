"""A guarantee read backwards: radius in, vote bound out."""

from collections.abc import Sequence

import numpy as np

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float

PARTS = 17
"""Parts into which an interval is cut at a time: one call of a guarantee serves all cuts."""


def log_limit(guarantee: Guarantee, measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> float:
    """The log of the share of lost votes up to which a winner is certified at a radius.

    The guarantee itself certifies the radius at the number returned, and hence at all smaller ones.

    Args:
        guarantee: How bounds become radii. The best rival counts as having all that the winner loses.
        measure: The smoothing measure.
        radius: The radius asked for, at least 0; radius 0 asks for the lead alone.
        shape: Shape of the object that the measure randomises.

    Returns:
        A float64 below 0, the largest to the last bits; minus infinity where no share is small enough.
    """

    def first_certified(falling: Float) -> int:
        bound = VoteBound.one_sided(falling)
        good = bound.leads() & (guarantee.radius(measure, bound, shape) >= radius)
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
