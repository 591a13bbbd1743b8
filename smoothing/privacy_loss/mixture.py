"""The loss of noise whose kind is drawn first, and shown."""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from smoothing.numerics.bracket import Bracket
from smoothing.numerics.rounding import EPSILON, Float, step_up
from smoothing.privacy_loss.noise_law import TINIEST
from smoothing.privacy_loss.privacy_loss import PrivacyLoss

ACCURACY = 1e-12
"""Relative accuracy of a normal tail where the loss of a shift ``m`` is cut, for each ``(1 + m / 40)^2``."""

STEPS = 60
"""Most steps of the search for the slope, of which any value will do."""

NEAR = 1e-6
"""Relative accuracy in ``f`` at which the search stops: the bound is second order in its error."""


class NormalMixtureLoss(PrivacyLoss):
    """A mixture of the losses ``N(-m^2/2, m^2)`` of normal shifts (THEORY.md section 2).

    Who sees which kind was drawn knows more than who sees the sample alone, so the law dominates. For every slope
    ``e^s``, ``G(f) <= e^s f + H(s)`` with the hockey-stick ``H(s) = sum_i w_i (rho_i - e^s mu_i)(L_i >= s)``; the
    least over ``s`` is ``G(f)``, and any is a bound.

    Args:
        weights: Probability of each kind, above 0, summing to one.
        shifts: Length ``m`` of the shift in standard deviations of each kind, at least 0.
    """

    def __init__(self, weights: Sequence[float], shifts: Sequence[float]) -> None:
        self._weights = np.asarray(weights, np.float64)[:, None]
        self._shifts = np.asarray(shifts, np.float64)[:, None]
        self._error = np.where(self._shifts > 0, ACCURACY * (1 + self._shifts / 40) ** 2, 0)

    def log_gain(self, log_f: Float) -> Float:
        """Upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        log_f = np.asarray(log_f, np.float64)
        slope = self._slope(np.clip(log_f, TINIEST, -EPSILON).ravel())
        hit, cost = np.exp(self._log_tails(slope, 1)), np.exp(slope + self._log_tails(slope, -1))
        hockey = np.maximum(hit * (1 + self._error) - cost * (1 - self._error), 0)
        gain = np.exp(np.minimum(step_up(slope + log_f.ravel(), 1), 0)) + np.sum(self._weights * hockey, 0)
        log_gain = np.log(np.maximum(gain * (1 + ACCURACY), np.exp(TINIEST))).reshape(log_f.shape)
        return np.asarray(np.minimum(np.maximum(log_gain, log_f), 0))

    def kl(self) -> float:
        """Mean of ``m^2 / 2``, rounded up; see `PrivacyLoss.kl`."""
        return float(np.sum(self._weights * self._shifts**2)) / 2 * (1 + 1e-14)

    def _slope(self, log_f: Float) -> Float:
        """The ``s`` with ``mu(L >= s) = f``, which lies between those of the kinds alone; ``(n,)``."""
        alone = -self._shifts * (self._shifts / 2 + ndtri_exp(log_f))

        def excess(slope: Float) -> Float:
            return np.asarray(np.log((self._weights * np.exp(self._log_tails(slope, -1))).sum(0)) - log_f)

        low, high = alone.min(0), alone.max(0)
        bracket = Bracket(low, high, np.maximum(excess(low), 0), np.minimum(excess(high), 0))
        slope = bracket.crossing()
        for _ in range(STEPS):
            value = excess(slope)
            # What is near stays, so that a slope does not depend on those beside it.
            far = np.flatnonzero(np.abs(value) >= NEAR)
            if not len(far):
                break
            bracket.narrow(far, slope[far], value[far])
            slope[far] = bracket.crossing()[far]
        return slope

    def _log_tails(self, slope: Float, sign: int) -> Float:
        """Log probability of a loss of at least ``slope`` under ``rho`` (sign 1) or ``mu`` (-1), ``(kinds, n)``."""
        moved = self._shifts > 0
        m = np.where(moved, self._shifts, 1)
        return np.asarray(np.where(moved, log_ndtr(sign * m / 2 - slope / m), np.where(slope <= 0, 0, -np.inf)))
