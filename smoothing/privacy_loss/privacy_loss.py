"""The contract of every law of the privacy loss ``L = log(d rho / d mu)``, and the Neyman-Pearson function on it."""

from abc import ABC, abstractmethod
from fractions import Fraction

import numpy as np

from smoothing.numerics.rounding import EPSILON, LOG_HALF_DOWN, Float


class PrivacyLoss(ABC):
    """The law of ``L = log(d rho / d mu)`` for two smoothing distributions ``mu`` and ``rho``.

    With ``G(f) = max { rho(A) : mu(A) <= f }``, the most probable that an event of ``mu`` mass ``f`` can become
    (THEORY.md section 2). Every rounding makes ``G`` larger.
    """

    @abstractmethod
    def log_gain(self, log_f: Float) -> Float:
        """Upper bound on ``log G(f)``.

        Args:
            log_f: Logarithms of probabilities ``f``, float64 of any shape, at most 0.

        Returns:
            Float64 of the same shape, at most 0, never falling as ``log_f`` rises.
        """

    @abstractmethod
    def kl(self) -> float:
        """Upper bound on the divergence ``KL(rho || mu)`` in nats; infinite where ``rho`` leaves ``mu``'s support."""

    def margin(self, log_fail: Float, log_rival: Float) -> Float:
        """How far votes so bounded stay ahead: ``1 - G(fA) - G(fB)``, rounded down, or any number of its sign.

        They stay ahead for sure where it is above 0 (THEORY.md section 2).

        Args:
            log_fail: ``(batch,)`` upper bounds on the log of the votes that the winner does not get.
            log_rival: ``(batch,)`` the same for every rival's votes.

        Returns:
            ``(batch,)`` float64, continuous in the bounds where the law is, so that a radius is quickly found.
        """
        gain = np.exp(self.log_gain(np.stack([log_fail, log_rival]))).sum(0)
        return np.asarray(1 - gain * (1 + 4 * EPSILON))

    def log_threshold(self) -> float:
        """Lower bound on the ``log f`` at which ``G(f) = 1/2``: votes that lose less than ``f`` stay ahead."""
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
        """The ``f`` with ``G(f) = 1/2`` as a fraction.

        Raises:
            ValueError: If the law is not one of rational numbers.
        """
        raise ValueError(f"{type(self).__name__} has no exact threshold: its law is not one of rational numbers")
