"""Distribution and quantile functions of one-dimensional symmetric noise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import erfinv, gamma, gammainc, gammaincc, gammainccinv, gammaincinv, log_ndtr, ndtri_exp

from smoothing.numerics.rounding import EPSILON, LOG_2, Float, balance

TINIEST = -700.0
"""Smallest logarithm of a probability. Smaller probabilities underflow in float64."""

FLAT = 1e-30
"""Values of ``(|x| / a)^exponent`` below this are treated as 0 in the density ``exp(-(|x| / a)^exponent)``. The power
may underflow there."""


class NoiseLaw(ABC):
    """A symmetric law with a log-concave density and distribution function ``F``.

    The likelihood ratio of a shift is monotone, so half-lines are the most powerful events:
    ``G(f) = F(F^-1(f) + shift)``.

    Attributes:
        accuracy: Bound on the relative error of `quantile`. The error of `log_cdf` at ``x`` is at most that caused by a
            change of ``x`` by ``accuracy * (scale + |x|)``.
    """

    accuracy: ClassVar[float]

    @property
    @abstractmethod
    def scale(self) -> float:
        """Typical size of the noise, used in error bounds."""

    @property
    def normal_sigma(self) -> float | None:
        """Standard deviation if the law is normal, else None."""
        return None

    @abstractmethod
    def log_tail(self, size: Float) -> Float:
        """Return ``log F(-size)`` for ``size`` at least 0, any shape; minus infinity where ``F`` underflows."""

    @abstractmethod
    def size(self, log_tail: Float, inside: Float) -> Float:
        """Return the inverse of `log_tail`.

        Args:
            log_tail: ``log F(-size)``, within [`TINIEST`, ``log(1/2)``], or minus infinity for an infinite size.
            inside: Probability ``1 - 2 F(-size)`` of a value within ``size`` of 0. It is the more accurate argument for
                small sizes.
        """

    @abstractmethod
    def kl(self, shift: float) -> float:
        """Return an upper bound on the KL divergence between the law and itself shifted by ``shift``."""

    def log_cdf(self, x: Float) -> Float:
        """Return ``log F(x)`` for ``x`` of any shape; minus infinity where ``F`` underflows."""
        with np.errstate(divide="ignore"):
            tail = self.log_tail(np.abs(x))
        return np.asarray(np.where(x <= 0, tail, np.log1p(-np.exp(tail))))

    def quantile(self, log_p: Float) -> Float:
        """Return ``F^-1(p)`` for ``log p`` of any shape, within [`TINIEST`, 0]."""
        ahead = balance(log_p)
        with np.errstate(divide="ignore"):
            log_tail = np.where(ahead >= 0, log_p, np.log(-np.expm1(log_p)))
            return np.copysign(self.size(log_tail, np.abs(ahead)), -ahead)


@dataclass(frozen=True)
class NormalLaw(NoiseLaw):
    """The normal law of standard deviation ``sigma``."""

    sigma: float
    accuracy = 4 * EPSILON  # the largest error of 20,000 quantiles is 2.2 EPSILON

    @property
    def scale(self) -> float:
        """Standard deviation."""
        return self.sigma

    @property
    def normal_sigma(self) -> float:
        """Standard deviation; see `NoiseLaw.normal_sigma`."""
        return self.sigma

    def log_tail(self, size: Float) -> Float:
        """Return ``log F(-size)``; see `NoiseLaw.log_tail`."""
        return np.asarray(log_ndtr(-size / self.sigma))

    def size(self, log_tail: Float, inside: Float) -> Float:
        """Return the inverse of `log_tail`; see `NoiseLaw.size`."""
        near = inside < 0.75
        middle = np.sqrt(2) * erfinv(np.where(near, inside, 0))
        return np.asarray(self.sigma * np.where(near, middle, -ndtri_exp(np.where(near, -1, log_tail))))

    def kl(self, shift: float) -> float:
        """Return ``shift^2 / (2 sigma^2)``, rounded up."""
        return (shift / self.sigma) ** 2 / 2 * (1 + 4 * EPSILON)


@dataclass(frozen=True)
class LaplaceLaw(NoiseLaw):
    """Density proportional to ``exp(-|x| / b)``."""

    b: float
    accuracy = 4 * EPSILON

    @property
    def scale(self) -> float:
        """Parameter ``b``."""
        return self.b

    def log_tail(self, size: Float) -> Float:
        """Return ``log F(-size)``; see `NoiseLaw.log_tail`."""
        return np.asarray(-size / self.b - LOG_2[0])

    def size(self, log_tail: Float, inside: Float) -> Float:
        """Return the inverse of `log_tail`; see `NoiseLaw.size`."""
        return np.asarray(-self.b * np.where(inside < 0.75, np.log1p(-inside), log_tail + LOG_2[0]))

    def kl(self, shift: float) -> float:
        """Return ``s + e^-s - 1`` with ``s = shift / b``, rounded up."""
        s = shift / self.b
        return float(s + np.expm1(-s)) + 4 * EPSILON * s


@dataclass(frozen=True)
class UniformLaw(NoiseLaw):
    """Uniform on ``[-half_width, half_width]``."""

    half_width: float
    accuracy = 4 * EPSILON

    @property
    def scale(self) -> float:
        """Half width."""
        return self.half_width

    def log_tail(self, size: Float) -> Float:
        """Return ``log F(-size)``; see `NoiseLaw.log_tail`."""
        return np.asarray(np.log(np.maximum(0.5 - size / (2 * self.half_width), 0)))

    def size(self, log_tail: Float, inside: Float) -> Float:
        """Return the inverse of `log_tail`; see `NoiseLaw.size`."""
        return np.asarray(self.half_width * inside)

    def kl(self, shift: float) -> float:
        """Return infinity for every shift above 0, since the supports differ."""
        return np.inf if shift > 0 else 0.0


@dataclass(frozen=True)
class GeneralisedNormalLaw(NoiseLaw):
    """Density proportional to ``exp(-(|x| / a)^exponent)``, ``exponent`` at least 1."""

    a: float
    exponent: float
    accuracy = 1e-13

    @property
    def scale(self) -> float:
        """Parameter ``a``."""
        return self.a

    def log_tail(self, size: Float) -> Float:
        """Return ``log F(-size)``; see `NoiseLaw.log_tail`."""
        order = 1 / self.exponent
        with np.errstate(over="ignore"):
            power = (size / self.a) ** self.exponent
        inside = np.where(power < FLAT, size / self.a / gamma(1 + order), gammainc(order, power))
        return np.asarray(np.where(inside < 0.5, np.log1p(-inside), np.log(gammaincc(order, power))) - LOG_2[0])

    def size(self, log_tail: Float, inside: Float) -> Float:
        """Return the inverse of `log_tail`; see `NoiseLaw.size`."""
        order = 1 / self.exponent
        near = inside < 0.5
        power = np.where(near, gammaincinv(order, np.where(near, inside, 0)), gammainccinv(order, 2 * np.exp(log_tail)))
        return np.asarray(self.a * np.where(power < FLAT, inside * gamma(1 + order), power**order))

    def kl(self, shift: float) -> float:
        """Return an upper bound on ``E|X + s|^e - E|X|^e`` in units of ``a``, by Minkowski's inequality."""
        norm = np.float64(self.exponent ** (-1 / self.exponent))
        with np.errstate(over="ignore"):
            return float((norm + shift / self.a) ** self.exponent - norm**self.exponent) * (1 + 1e-12)
