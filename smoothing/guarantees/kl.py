"""The guarantee of Rosenfeld et al. (2020). It is looser than Neyman-Pearson, but needs only a KL divergence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.neyman_pearson import laws
from smoothing.guarantees.search import largest_radius
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import LOG_HALF_DOWN, Float


class KL(Guarantee):
    """Guarantee based on the KL divergence (Rosenfeld et al. 2020, eq. 3).

    A radius is certified if and only if ``p_A > 1/2`` and ``KL(rho || mu) < -1/2 log(4 p_A (1 - p_A))``. Bounds on
    rivals are not used.
    """

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        """Return certified radii, ``(batch,)`` float64; see `Guarantee.radius`."""
        return divergence_radius(measure, _divergence_allowed(bound.log_fail), shape)


def cut_to_divergence(measure: SmoothingMeasure, radius: Float, allowed: Float, shape: Sequence[int]) -> Float:
    """Return the radii, each cut to a radius at which ``KL(rho || mu)`` is below a limit.

    Args:
        measure: Smoothing measure.
        radius: ``(batch,)`` radii, at least 0.
        allowed: ``(batch,)`` limits in nats, rounded down; 0 where nothing is certified.
        shape: Shape of the object.

    Returns:
        ``(batch,)`` float64, at least 0.
    """
    different, which = np.unique(radius, return_inverse=True)
    divergence = np.array([_divergence(measure, float(one), shape) for one in different])
    cut, exceeds = radius.copy(), ~(divergence[which.ravel()] < allowed)
    if exceeds.any():
        cut[exceeds] = np.minimum(radius[exceeds], divergence_radius(measure, allowed[exceeds], shape))
    return cut


def divergence_radius(measure: SmoothingMeasure, allowed: Float, shape: Sequence[int]) -> Float:
    """Return the largest radius at which ``KL(rho || mu)`` is below a limit.

    Args:
        measure: Smoothing measure.
        allowed: ``(batch,)`` limits in nats, rounded down; 0 where nothing is certified.
        shape: Shape of the object.

    Returns:
        ``(batch,)`` float64, at least 0.
    """

    def margin(radius: float, rows: NDArray[np.intp]) -> Float:
        return np.asarray(allowed[rows] - _divergence(measure, radius, shape))

    return largest_radius(margin, len(allowed), measure.diameter(shape), measure.distance.integer)


def _divergence(measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> float:
    return float(max(law.kl() for law in laws(measure, radius, shape)))


def _divergence_allowed(log_fail: Float) -> Float:
    """Return ``-1/2 (log 4 + log f + log(1 - f))``, rounded down; 0 where ``f`` is not below one half."""
    ahead = log_fail < LOG_HALF_DOWN
    log_f = np.where(ahead, log_fail, -1.0)
    allowed = -(np.log(4) + log_f + np.log1p(-np.exp(log_f))) / 2
    slack = 4 * np.finfo(float).eps * (2 + np.abs(log_f))
    return np.where(ahead, np.maximum(allowed - slack, 0), 0)
