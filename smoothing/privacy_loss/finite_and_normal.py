"""Privacy loss of finite coordinates together with an independent Gaussian shift."""

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from smoothing.numerics.bracket import zeros
from smoothing.numerics.rounding import EPSILON, Float, step_up
from smoothing.privacy_loss.noise_law import TINIEST, NormalLaw
from smoothing.privacy_loss.privacy_loss import Coordinates, PrivacyLoss
from smoothing.privacy_loss.repeated import loss_of
from smoothing.privacy_loss.shift import ShiftLoss

STEPS = 100
"""Largest number of steps in the search for the slope. Any slope gives a valid bound."""

NEAR = 1e-13
"""Relative accuracy in ``f`` at which the search stops. Between two values of the finite loss the tail is almost flat,
so that a small error in ``f`` is a large one in the slope."""

Tails = tuple[Float, Float]
"""Logarithms of tails, and bounds on their absolute errors."""


class FiniteAndNormalLoss(PrivacyLoss):
    """The loss of independent finite coordinates and a Gaussian shift: the sum of both losses (THEORY.md section 9).

    Under ``rho``, the sum is a mixture of ``N(a + m^2/2, m^2)`` over the values ``a`` of the finite loss. For every
    slope ``e^s``, ``G(f) <= e^s f + H(s)`` with the hockey-stick divergence ``H``. The best ``s`` has
    ``mu(L >= s) = f``. Every other ``s`` gives an upper bound, so only the last evaluation is rounded outward.

    Args:
        coordinates: The finite coordinates.
        shift: Length ``m`` of the shift in standard deviations, above 0.
    """

    def __init__(self, coordinates: Coordinates, shift: float) -> None:
        self._finite = loss_of(coordinates)
        self._coordinates = coordinates
        self._shift = shift
        self._value, self._p, self._error, self._lost = (part[:, None] for part in self._finite.atoms())

    def normal_shift(self) -> float:
        """Return the length of the Gaussian shift; see `PrivacyLoss.normal_shift`."""
        return self._shift

    def coordinates(self) -> Coordinates:
        """Return the finite coordinates; see `PrivacyLoss.coordinates`."""
        return self._coordinates

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        log_f = np.asarray(log_f, np.float64)
        slope = self._slope(np.clip(log_f, TINIEST, -EPSILON).ravel())
        (log_hit, hit_error), (log_cost, cost_error) = self._log_tails(slope, 1), self._log_tails(slope, -1)
        lift = slope - self._value
        cost_error = (
            cost_error + EPSILON * (np.abs(slope) + np.abs(self._value) + 2 * np.abs(lift + log_cost)) + EPSILON
        )
        hit = np.exp(log_hit) * (1 + hit_error + self._error + 8 * EPSILON)
        cost = np.exp(np.minimum(lift + log_cost, 0)) * (1 - cost_error - self._error - 8 * EPSILON)
        excess = np.sum(self._p * np.maximum(hit - cost, 0), 0) * (1 + len(self._p) * EPSILON) + self._lost[0]
        gain = np.exp(np.minimum(step_up(slope + log_f.ravel(), 1), 0)) * (1 + 4 * EPSILON) + excess
        log_gain = step_up(np.log(np.maximum(step_up(gain, 2), np.exp(TINIEST))), 2).reshape(log_f.shape)
        return np.asarray(np.minimum(np.maximum(log_gain, log_f), 0))

    def kl(self) -> float:
        """Return the sum of both divergences, rounded up; see `PrivacyLoss.kl`."""
        return (self._finite.kl() + self._shift**2 / 2) * (1 + 4 * EPSILON)

    def _slope(self, log_f: Float) -> Float:
        """Return ``s`` with ``mu(L >= s) = f``, ``(n,)``, or any number where ``mu`` has less mass."""
        log_mass = np.log(self._p) - self._value
        total = np.log(np.exp(log_mass).sum())
        share = np.minimum(log_f - total, -EPSILON)
        alone = self._value - self._shift * (self._shift / 2 + ndtri_exp(share))

        def excess(slope: Float) -> Float:
            tails, _ = self._log_tails(slope, -1)
            highest = (log_mass + tails).max(0)
            return np.asarray(np.log(np.exp(log_mass + tails - highest).sum(0)) + highest - total - share)

        return zeros(excess, alone.min(0), alone.max(0), STEPS, NEAR)

    def _log_tails(self, slope: Float, sign: int) -> Tails:
        """Return ``log Pr[L >= slope]`` of each component under ``rho`` (sign 1) or ``mu`` (sign -1).

        The argument of the normal distribution function has a relative error of a few units in the last place of its
        terms. Its logarithm has a derivative of at most ``1 + |x|``, and of at most ``exp(-x^2 / 2)`` for ``x > 0``.
        """
        half, far = self._shift / 2, (slope - self._value) / self._shift
        x = sign * half - far
        log_tail = np.asarray(log_ndtr(x))
        steepness = np.where(x > 0, np.exp(-(x**2) / 2), 1 + np.abs(x))
        error = EPSILON * (2 * steepness * (half + 2 * np.abs(far)) + 8 * np.abs(log_tail) + 4)
        return log_tail, error


def total_loss(*losses: PrivacyLoss) -> PrivacyLoss:
    """Return the loss of independent randomised objects: the sum of their losses (THEORY.md section 9).

    A single loss, or one beside which all others vanish, is returned as it is, so that its numbers keep all bits.

    Args:
        losses: At least one loss. Each is finite or the loss of a Gaussian shift.

    Raises:
        ValueError: If two losses cannot be added.
    """
    present = [loss for loss in losses if not loss.vanishes()]
    if len(present) <= 1:
        return (present or list(losses))[0]
    for loss in present:
        if loss.normal_shift() is None and loss.coordinates() is None:
            raise ValueError(f"{type(loss).__name__} cannot be added to other losses: it is neither finite nor normal")
    shifts = [loss.normal_shift() or 0.0 for loss in present]
    shift = (
        float(np.linalg.norm(shifts)) * (1 + 2 * len(shifts) * EPSILON) if np.count_nonzero(shifts) > 1 else max(shifts)
    )
    coordinates = tuple(group for loss in present for group in loss.coordinates() or ())
    if not coordinates:
        return ShiftLoss(NormalLaw(1.0), shift)
    return FiniteAndNormalLoss(coordinates, shift) if shift else loss_of(coordinates)
