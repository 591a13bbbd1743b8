"""The loss of noise whose kind is drawn first, and shown."""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr

from smoothing.privacy_loss.privacy_loss import PrivacyLoss
from smoothing.rounding import Float, step_up

ACCURACY = 1e-12
"""Relative accuracy to which SciPy's normal tails are trusted here."""

HALVINGS = 60
"""Steps of the search for the slope: the bound is second order in its error."""


class NormalMixtureLoss(PrivacyLoss):
    """A mixture of the losses ``N(-m^2/2, m^2)`` of normal shifts (THEORY.md section 2).

    Who sees which kind was drawn knows more than who sees the sample alone, so the law dominates. For every slope
    ``s``, ``G(f) <= s f + H(s)`` with the hockey-stick ``H(s) = sum_i w_i (rho_i - s mu_i)(L_i >= log s)``; the least
    over ``s`` is ``G(f)``, and any is a bound.

    Args:
        weights: Probability of each kind, above 0, summing to one.
        shifts: Length ``m`` of the shift in standard deviations of each kind, at least 0.
    """

    def __init__(self, weights: Sequence[float], shifts: Sequence[float]) -> None:
        self._weights = np.asarray(weights, np.float64)
        self._shifts = np.asarray(shifts, np.float64)

    def log_gain(self, log_f: Float) -> Float:
        """Upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        log_f = np.asarray(log_f, np.float64)
        span = 40 * (self._shifts.max() + 1) ** 2
        low, high = np.full(log_f.shape, -span), np.full(log_f.shape, span)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            too_much = self._log_mass(middle, under_rho=False) > log_f
            low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
        slope = high
        hit, cost = self._log_mass(slope, under_rho=True), slope + self._log_mass(slope, under_rho=False)
        hockey = np.exp(hit) * (1 + ACCURACY) - np.exp(np.minimum(cost, hit)) * (1 - ACCURACY)
        gain = np.exp(np.minimum(slope + log_f, 0)) * (1 + ACCURACY) + np.maximum(hockey, 0)
        with np.errstate(divide="ignore"):
            return np.minimum(np.maximum(step_up(np.log(gain), 4), log_f), 0)

    def kl(self) -> float:
        """Mean of ``m^2 / 2``, rounded up; see `PrivacyLoss.kl`."""
        return float(self._weights @ self._shifts**2) / 2 * (1 + 1e-14)

    def _log_mass(self, slope: Float, under_rho: bool) -> Float:
        """Log probability that the loss is at least ``slope``, under ``rho`` or ``mu``."""
        terms = []
        for weight, m in zip(self._weights, self._shifts, strict=True):
            mean = m * m / 2 if under_rho else -m * m / 2
            tail = log_ndtr((mean - slope) / m) if m > 0 else np.where(slope <= 0, 0.0, -np.inf)
            terms.append(np.log(weight) + tail)
        return np.asarray(np.logaddexp.reduce(terms))
