"""One-dimensional symmetric noise, as far as a certificate needs it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import erfinv, gamma, gammainc, gammaincc, gammainccinv, gammaincinv, log_ndtr, ndtri_exp

from smoothing.numerics.rounding import EPSILON, LOG_2, Float, balance

TINIEST = -700.0
"""Logarithms of probabilities are not taken below this, where float64 ends."""

FLAT = 1e-30
"""Where ``(|x| / a)^exponent`` is below this, a density proportional to its ``exp(-...)`` is flat, and the power itself
may underflow."""


class NoiseLaw(ABC):
    """A symmetric law with a log-concave density and distribution function ``F``.

    For such a law the likelihood ratio of a shift is monotone, so that half-lines are the most powerful events:
    ``G(f) = F(F^-1(f) + shift)``.

    Attributes:
        accuracy: `quantile` errs by at most this, relatively; `log_cdf` by no more than a change of its argument
            ``x`` by this times ``scale + |x|`` would.
    """

    accuracy: ClassVar[float]

    @property
    @abstractmethod
    def scale(self) -> float:
        """A length typical of the noise, for stating errors."""

    @abstractmethod
    def log_tail(self, size: Float) -> Float:
        """``log F(-size)`` for ``size`` at least 0, of any shape; may be minus infinity where ``F`` underflows."""

    @abstractmethod
    def size(self, log_tail: Float, inside: Float) -> Float:
        """The inverse of `log_tail`.

        Args:
            log_tail: ``log F(-size)``, from `TINIEST` to ``log(1/2)``; minus infinity stands for an infinite size.
            inside: The probability ``1 - 2 F(-size)`` of lying within ``size`` of 0, which is the more accurate of the
                two where the size is small.
        """

    @abstractmethod
    def kl(self, shift: float) -> float:
        """Upper bound on the divergence between the law and itself shifted by ``shift``."""

    def log_cdf(self, x: Float) -> Float:
        """``log F(x)`` for ``x`` of any shape; may be minus infinity where ``F`` underflows."""
        with np.errstate(divide="ignore"):
            tail = self.log_tail(np.abs(x))
        return np.asarray(np.where(x <= 0, tail, np.log1p(-np.exp(tail))))

    def quantile(self, log_p: Float) -> Float:
        """``F^-1(p)`` from ``log p`` of any shape, from `TINIEST` to 0."""
        ahead = balance(log_p)
        with np.errstate(divide="ignore"):
            log_tail = np.where(ahead >= 0, log_p, np.log(-np.expm1(log_p)))
            return np.copysign(self.size(log_tail, np.abs(ahead)), -ahead)


@dataclass(frozen=True)
class NormalLaw(NoiseLaw):
    """The normal law of standard deviation ``sigma``."""

    sigma: float
    accuracy = 4 * EPSILON  # the worst of 20,000 quantiles is off by 2.2

    @property
    def scale(self) -> float:
        """Standard deviation."""
        return self.sigma

    def log_tail(self, size: Float) -> Float:
        """See `NoiseLaw.log_tail`."""
        return np.asarray(log_ndtr(-size / self.sigma))

    def size(self, log_tail: Float, inside: Float) -> Float:
        """See `NoiseLaw.size`."""
        near = inside < 0.75
        middle = np.sqrt(2) * erfinv(np.where(near, inside, 0))
        return np.asarray(self.sigma * np.where(near, middle, -ndtri_exp(np.where(near, -1, log_tail))))

    def kl(self, shift: float) -> float:
        """``shift^2 / (2 sigma^2)``, rounded up."""
        return (shift / self.sigma) ** 2 / 2 * (1 + 4 * EPSILON)


@dataclass(frozen=True)
class LaplaceLaw(NoiseLaw):
    """Density proportional to ``exp(-|x| / b)``."""

    b: float
    accuracy = 4 * EPSILON

    @property
    def scale(self) -> float:
        """The parameter ``b``."""
        return self.b

    def log_tail(self, size: Float) -> Float:
        """See `NoiseLaw.log_tail`."""
        return np.asarray(-size / self.b - LOG_2[0])

    def size(self, log_tail: Float, inside: Float) -> Float:
        """See `NoiseLaw.size`."""
        return np.asarray(-self.b * np.where(inside < 0.75, np.log1p(-inside), log_tail + LOG_2[0]))

    def kl(self, shift: float) -> float:
        """``s + e^-s - 1`` with ``s = shift / b``, rounded up."""
        s = shift / self.b
        return float(s + np.expm1(-s)) + 4 * EPSILON * s


@dataclass(frozen=True)
class UniformLaw(NoiseLaw):
    """Uniform on ``[-half_width, half_width]``."""

    half_width: float
    accuracy = 4 * EPSILON

    @property
    def scale(self) -> float:
        """Half the width."""
        return self.half_width

    def log_tail(self, size: Float) -> Float:
        """See `NoiseLaw.log_tail`."""
        return np.asarray(np.log(np.maximum(0.5 - size / (2 * self.half_width), 0)))

    def size(self, log_tail: Float, inside: Float) -> Float:
        """See `NoiseLaw.size`."""
        return np.asarray(self.half_width * inside)

    def kl(self, shift: float) -> float:
        """Infinite for every shift: the supports differ."""
        return np.inf if shift > 0 else 0.0


@dataclass(frozen=True)
class GeneralisedNormalLaw(NoiseLaw):
    """Density proportional to ``exp(-(|x| / a)^exponent)``, ``exponent`` at least 1."""

    a: float
    exponent: float
    accuracy = 1e-13

    @property
    def scale(self) -> float:
        """The parameter ``a``."""
        return self.a

    def log_tail(self, size: Float) -> Float:
        """See `NoiseLaw.log_tail`."""
        order = 1 / self.exponent
        with np.errstate(over="ignore"):
            power = (size / self.a) ** self.exponent
        inside = np.where(power < FLAT, size / self.a / gamma(1 + order), gammainc(order, power))
        return np.asarray(np.where(inside < 0.5, np.log1p(-inside), np.log(gammaincc(order, power))) - LOG_2[0])

    def size(self, log_tail: Float, inside: Float) -> Float:
        """See `NoiseLaw.size`."""
        order = 1 / self.exponent
        near = inside < 0.5
        power = np.where(near, gammaincinv(order, np.where(near, inside, 0)), gammainccinv(order, 2 * np.exp(log_tail)))
        return np.asarray(self.a * np.where(power < FLAT, inside * gamma(1 + order), power**order))

    def kl(self, shift: float) -> float:
        """``E|X + s|^e - E|X|^e`` on the scale of ``a``, bounded by Minkowski's inequality."""
        norm = np.float64(self.exponent ** (-1 / self.exponent))
        with np.errstate(over="ignore"):
            return float((norm + shift / self.a) ** self.exponent - norm**self.exponent) * (1 + 1e-12)
