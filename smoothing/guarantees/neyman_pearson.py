"""The tight guarantee for any measure, by the Neyman-Pearson lemma."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.search import largest_radius
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss


class NeymanPearson(Guarantee):
    """Tight guarantee by the Neyman-Pearson lemma.

    A radius ``r`` is certified if and only if ``G_r(fA) + G_r(fB) < 1`` for every law of the measure (THEORY.md section
    2). For discrete measures this is the certificate of Lee et al. (2019). The laws cache their tables.
    """

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        """Return certified radii, ``(batch,)`` float64; see `Guarantee.radius`."""
        closed = measure.closed_form_radius(bound.log_fail, bound.log_rival, shape)
        if closed is not None:
            return closed

        # Rows with equal bounds have equal radii, so each is computed once.
        bounds, row_of = np.unique(np.stack([bound.log_fail, bound.log_rival]), axis=1, return_inverse=True)

        def margin(radius: float, rows: NDArray[np.intp]) -> Float:
            fail, rival = bounds[:, rows]
            first, *others = (law.margin(fail, rival) for law in laws(measure, radius, shape))
            return np.asarray(np.min([first, *others], axis=0)) if others else first

        radius = largest_radius(margin, bounds.shape[1], measure.diameter(shape), measure.distance.integer)
        return np.asarray(radius[row_of.ravel()])


def laws(measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
    """Return the privacy losses of ``measure`` at ``radius`` as a list."""
    loss = measure.privacy_loss(radius, shape)
    return loss if isinstance(loss, list) else [loss]


def thresholds(measure: SmoothingMeasure, max_radius: int, shape: Sequence[int] = (1,)) -> Float:
    """Return the thresholds of ``1 - p_A`` for all whole radii. A radius is certified below its threshold.

    Args:
        measure: Measure with whole-numbered radii.
        max_radius: Largest radius, at least 0.
        shape: Shape of the object.

    Returns:
        ``(max_radius + 1,)`` float64 logarithms ``log f``, rounded down, so that ``G_r(f) <= 1/2``.

    Raises:
        ValueError: If radii of the measure are not whole numbers or ``max_radius`` is negative.
    """
    return np.array([min(law.log_threshold() for law in laws(measure, r, shape)) for r in _radii(measure, max_radius)])


def exact_thresholds(measure: SmoothingMeasure, max_radius: int, shape: Sequence[int] = (1,)) -> list[Fraction]:
    """Return the exact thresholds ``f`` as fractions; see `thresholds`.

    Raises:
        ValueError: If the probabilities of the measure are not rational numbers.
    """
    return [min(law.exact_threshold() for law in laws(measure, r, shape)) for r in _radii(measure, max_radius)]


def _radii(measure: SmoothingMeasure, max_radius: int) -> range:
    if not measure.distance.integer:
        raise ValueError(f"{type(measure).__name__} has no table: its radii are not whole numbers")
    if measure.beside:
        raise ValueError(f"{type(measure).__name__} has no table: it randomises several objects")
    if max_radius < 0:
        raise ValueError(f"max_radius = {max_radius}; must be at least 0")
    return range(max_radius + 1)
