"""Contract of laws of the privacy loss ``L = log(d rho / d mu)``."""

from abc import ABC, abstractmethod
from fractions import Fraction

import numpy as np

from smoothing.numerics.rounding import EPSILON, LOG_HALF_DOWN, Float

Coordinates = tuple[tuple[tuple[Fraction | float, ...], tuple[Fraction | float, ...], int], ...]
"""Independent finite coordinates: ``mu``, ``rho`` and the number of coordinates with this law."""


class PrivacyLoss(ABC):
    """The law of ``L = log(d rho / d mu)`` for two smoothing distributions ``mu`` and ``rho``.

    ``G(f) = max { rho(A) : mu(A) <= f }`` is the largest ``rho`` mass of an event of ``mu`` mass ``f`` (THEORY.md
    section 2). All rounding errors make ``G`` larger.
    """

    @abstractmethod
    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``.

        Args:
            log_f: Logarithms of probabilities ``f``, float64 of any shape, at most 0.

        Returns:
            Float64 of the same shape, at most 0, nondecreasing in ``log_f``.
        """

    @abstractmethod
    def kl(self) -> float:
        """Return an upper bound on ``KL(rho || mu)`` in nats; infinity if ``rho`` has mass outside ``mu``'s support."""

    def normal_shift(self) -> float | None:
        """Return the length of the shift in standard deviations if this is the loss of a Gaussian shift, rounded up.

        None if it has no Gaussian part. Used to add the losses of independent objects, as `coordinates` is.
        """
        return None

    def coordinates(self) -> Coordinates | None:
        """Return the independent finite coordinates if this is their loss, else None."""
        return None

    def vanishes(self) -> bool:
        """Return whether the loss is known to be 0: no shift, and no coordinate that changes."""
        shift, coordinates = self.normal_shift(), self.coordinates()
        known = shift is not None or coordinates is not None
        return known and not shift and not any(copies for _, _, copies in coordinates or ())

    def margin(self, log_fail: Float, log_rival: Float) -> Float:
        """Return ``1 - G(fA) - G(fB)``, rounded down, or a number with the same sign.

        The prediction cannot change where it is above 0 (THEORY.md section 2).

        Args:
            log_fail: ``(batch,)`` upper bounds on ``log(1 - p_A)`` of the predicted class A.
            log_rival: ``(batch,)`` upper bounds on ``log p_c`` of every other class c.

        Returns:
            ``(batch,)`` float64, continuous in the bounds if the law is continuous. The search for a radius uses this.
        """
        gain = np.exp(self.log_gain(np.stack([log_fail, log_rival]))).sum(0)
        return np.asarray(1 - gain * (1 + 4 * EPSILON))

    def log_threshold(self) -> float:
        """Return a lower bound on ``log f`` with ``G(f) = 1/2``. Votes with ``1 - p_A < f`` keep their majority."""
        low, high = -1.0, LOG_HALF_DOWN
        while self.log_gain(np.array([low]))[0] > LOG_HALF_DOWN:
            if low < -1e300:
                return -np.inf
            low, high = 2 * low, low
        while low < (middle := (low + high) / 2) < high:
            if self.log_gain(np.array([middle]))[0] > LOG_HALF_DOWN:
                high = middle
            else:
                low = middle
        return low

    def exact_threshold(self) -> Fraction:
        """Return ``f`` with ``G(f) = 1/2`` as a fraction.

        Raises:
            ValueError: If the probabilities of the law are not rational numbers.
        """
        raise ValueError(f"{type(self).__name__} has no exact threshold: its probabilities are not rational numbers")
