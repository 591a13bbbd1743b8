"""Privacy loss of a mixture of Gaussian shifts with revealed component."""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from smoothing.numerics.bracket import zeros
from smoothing.numerics.rounding import EPSILON, Float, step_up
from smoothing.privacy_loss.noise_law import TINIEST
from smoothing.privacy_loss.privacy_loss import PrivacyLoss

ACCURACY = 1e-12
"""Relative error of a normal tail for a shift ``m``, divided by ``(1 + m / 40)^2``."""

STEPS = 60
"""Largest number of steps in the search for the slope. Any slope gives a valid bound."""

NEAR = 1e-6
"""Relative accuracy in ``f`` at which the search stops. The bound is of second order in this error."""


class NormalMixtureLoss(PrivacyLoss):
    """A mixture of the losses ``N(-m^2/2, m^2)`` of Gaussian shifts (THEORY.md section 2).

    The law with revealed component dominates the law of the sample alone, by post-processing. For every slope ``e^s``,
    ``G(f) <= e^s f + H(s)`` with the hockey-stick divergence ``H(s) = sum_i w_i (rho_i - e^s mu_i)(L_i >= s)``. The
    minimum over ``s`` equals ``G(f)``; every other ``s`` gives an upper bound.

    Args:
        weights: Probabilities of the components, above 0, summing to one.
        shifts: Lengths ``m`` of the shift in standard deviations of each component, at least 0.
    """

    def __init__(self, weights: Sequence[float], shifts: Sequence[float]) -> None:
        self._weights = np.asarray(weights, np.float64)[:, None]
        self._shifts = np.asarray(shifts, np.float64)[:, None]
        self._error = np.where(self._shifts > 0, ACCURACY * (1 + self._shifts / 40) ** 2, 0)

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        log_f = np.asarray(log_f, np.float64)
        slope = self._slope(np.clip(log_f, TINIEST, -EPSILON).ravel())
        hit, cost = np.exp(self._log_tails(slope, 1)), np.exp(slope + self._log_tails(slope, -1))
        hockey = np.maximum(hit * (1 + self._error) - cost * (1 - self._error), 0)
        gain = np.exp(np.minimum(step_up(slope + log_f.ravel(), 1), 0)) + np.sum(self._weights * hockey, 0)
        log_gain = np.log(np.maximum(gain * (1 + ACCURACY), np.exp(TINIEST))).reshape(log_f.shape)
        return np.asarray(np.minimum(np.maximum(log_gain, log_f), 0))

    def kl(self) -> float:
        """Return the mean of ``m^2 / 2``, rounded up; see `PrivacyLoss.kl`."""
        return float(np.sum(self._weights * self._shifts**2)) / 2 * (1 + 1e-14)

    def _slope(self, log_f: Float) -> Float:
        """Return ``s`` with ``mu(L >= s) = f``, ``(n,)``. It lies between the values of the single components."""
        alone = -self._shifts * (self._shifts / 2 + ndtri_exp(log_f))

        def excess(slope: Float) -> Float:
            return np.asarray(np.log((self._weights * np.exp(self._log_tails(slope, -1))).sum(0)) - log_f)

        return zeros(excess, alone.min(0), alone.max(0), STEPS, NEAR)

    def _log_tails(self, slope: Float, sign: int) -> Float:
        """Return ``log Pr[L >= slope]`` under ``rho`` (sign 1) or ``mu`` (sign -1), ``(components, n)``."""
        moved = self._shifts > 0
        m = np.where(moved, self._shifts, 1)
        return np.asarray(np.where(moved, log_ndtr(sign * m / 2 - slope / m), np.where(slope <= 0, 0, -np.inf)))
