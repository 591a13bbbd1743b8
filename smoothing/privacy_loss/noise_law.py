"""One-dimensional symmetric noise, as far as a certificate needs it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc, gammainccinv, gammaincinv, log_ndtr, ndtri_exp

from smoothing.rounding import Float

ACCURACY = 1e-11
"""Relative accuracy to which SciPy's special functions are trusted here; the worst seen is a tenth of it."""

TINIEST = -690.0
"""Logarithms of probabilities are not taken below this, where float64 ends."""


class NoiseLaw(ABC):
    """A symmetric law with a log-concave density and distribution function ``F``.

    For such a law the likelihood ratio of a shift is monotone, so that half-lines are the most powerful events:
    ``G(f) = F(F^-1(f) + shift)``.
    """

    @abstractmethod
    def log_cdf(self, x: Float) -> Float:
        """``log F(x)`` for ``x`` of any shape; may be minus infinity where ``F`` underflows."""

    @abstractmethod
    def quantile(self, log_p: Float) -> Float:
        """``F^-1(p)`` from ``log p`` of any shape, to within `ACCURACY` of ``scale + |x|``."""

    @abstractmethod
    def kl(self, shift: float) -> float:
        """Upper bound on the divergence between the law and itself shifted by ``shift``."""

    @property
    @abstractmethod
    def scale(self) -> float:
        """A length typical of the noise, for stating errors."""


@dataclass(frozen=True)
class NormalLaw(NoiseLaw):
    """The normal law of standard deviation ``sigma``."""

    sigma: float

    def log_cdf(self, x: Float) -> Float:
        """See `NoiseLaw.log_cdf`."""
        return np.asarray(log_ndtr(x / self.sigma))

    def quantile(self, log_p: Float) -> Float:
        """See `NoiseLaw.quantile`."""
        return np.asarray(self.sigma * ndtri_exp(log_p))

    def kl(self, shift: float) -> float:
        """``shift^2 / (2 sigma^2)``, rounded up."""
        return shift**2 / (2 * self.sigma**2) * (1 + 1e-15)

    @property
    def scale(self) -> float:
        """Standard deviation."""
        return self.sigma


@dataclass(frozen=True)
class LaplaceLaw(NoiseLaw):
    """Density proportional to ``exp(-|x| / b)``."""

    b: float

    def log_cdf(self, x: Float) -> Float:
        """See `NoiseLaw.log_cdf`."""
        tail = -np.abs(x) / self.b - np.log(2)
        return np.asarray(np.where(x <= 0, tail, np.log1p(-np.exp(tail))))

    def quantile(self, log_p: Float) -> Float:
        """See `NoiseLaw.quantile`."""
        with np.errstate(divide="ignore"):
            upper = -self.b * np.log(2 * -np.expm1(log_p))
        return np.asarray(np.where(log_p <= -np.log(2), self.b * (log_p + np.log(2)), upper))

    def kl(self, shift: float) -> float:
        """``s + e^-s - 1`` with ``s = shift / b``, rounded up."""
        s = shift / self.b
        return float(s + np.expm1(-s)) + 4e-16 * s

    @property
    def scale(self) -> float:
        """The parameter ``b``."""
        return self.b


@dataclass(frozen=True)
class UniformLaw(NoiseLaw):
    """Uniform on ``[-half_width, half_width]``."""

    half_width: float

    def log_cdf(self, x: Float) -> Float:
        """See `NoiseLaw.log_cdf`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.clip(0.5 + x / (2 * self.half_width), 0, 1)))

    def quantile(self, log_p: Float) -> Float:
        """See `NoiseLaw.quantile`."""
        return np.asarray((2 * np.exp(log_p) - 1) * self.half_width)

    def kl(self, shift: float) -> float:
        """Infinite for every shift: the supports differ."""
        return np.inf if shift > 0 else 0.0

    @property
    def scale(self) -> float:
        """Half the width."""
        return self.half_width


@dataclass(frozen=True)
class GeneralisedNormalLaw(NoiseLaw):
    """Density proportional to ``exp(-(|x| / a)^exponent)``, ``exponent`` at least 1."""

    a: float
    exponent: float

    def log_cdf(self, x: Float) -> Float:
        """See `NoiseLaw.log_cdf`."""
        with np.errstate(divide="ignore"):
            tail = np.log(gammaincc(1 / self.exponent, (np.abs(x) / self.a) ** self.exponent) / 2)
        return np.asarray(np.where(x <= 0, tail, np.log1p(-np.exp(tail))))

    def quantile(self, log_p: Float) -> Float:
        """See `NoiseLaw.quantile`; ``log_p`` must be above `TINIEST`."""
        p = np.exp(log_p)
        lower = gammainccinv(1 / self.exponent, np.minimum(2 * p, 1)) ** (1 / self.exponent)
        upper = gammaincinv(1 / self.exponent, np.clip(2 * p - 1, 0, 1)) ** (1 / self.exponent)
        return np.asarray(self.a * np.where(p <= 0.5, -lower, upper))

    def kl(self, shift: float) -> float:
        """``E|X + s|^e - E|X|^e`` on the scale of ``a``, bounded by Minkowski's inequality."""
        norm = self.exponent ** (-1 / self.exponent)
        return float((norm + shift / self.a) ** self.exponent - norm**self.exponent) * (1 + 1e-12)

    @property
    def scale(self) -> float:
        """The parameter ``a``."""
        return self.a
