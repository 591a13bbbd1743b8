"""One-dimensional noise in mpmath: distribution functions and quantiles to the working precision."""

from abc import ABC, abstractmethod

import mpmath
from mpmath import mpf


class ExactNoise(ABC):
    """Symmetric noise, known by its upper tail."""

    @abstractmethod
    def tail(self, x: mpf) -> mpf:
        """``Pr[X > x]`` for ``x`` at least 0."""

    @abstractmethod
    def density(self, x: mpf) -> mpf:
        """Density at ``x`` at least 0."""

    def cdf(self, x: mpf) -> mpf:
        return self.tail(-x) if x <= 0 else 1 - self.tail(x)

    def quantile(self, p: mpf) -> mpf:
        """By Newton's method on the logarithm of the tail, started from a halved interval."""
        if p > 0.5:
            return -self.quantile(1 - p)
        low, high = mpf(0), mpf(1)
        while self.tail(high) > p:
            low, high = high, 2 * high
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if self.tail(middle) > p else (low, middle)
        x = low
        for _ in range(60):
            tail = self.tail(x)
            step = mpmath.log(tail / p) * tail / self.density(x)
            x += step
            if abs(step) <= abs(x) * mpf(10) ** (5 - mpmath.mp.dps):
                return -x
        raise AssertionError("Newton's method does not converge")


class Normal(ExactNoise):
    def __init__(self, sigma: float) -> None:
        self.sigma = mpf(sigma)

    def tail(self, x: mpf) -> mpf:
        return mpmath.erfc(x / self.sigma / mpmath.sqrt(2)) / 2

    def density(self, x: mpf) -> mpf:
        return mpmath.npdf(x, 0, self.sigma)


class Generalised(ExactNoise):
    def __init__(self, a: float, exponent: float) -> None:
        self.a, self.exponent = mpf(a), mpf(exponent)

    def tail(self, x: mpf) -> mpf:
        u = (x / self.a) ** self.exponent
        if u < 1:  # of the two incomplete functions, the one that is summed
            return (1 - mpmath.gammainc(1 / self.exponent, 0, u, regularized=True)) / 2
        return mpmath.gammainc(1 / self.exponent, u, mpmath.inf, regularized=True) / 2

    def density(self, x: mpf) -> mpf:
        peak = self.exponent / (2 * self.a * mpmath.gamma(1 / self.exponent))
        return peak * mpmath.exp(-((x / self.a) ** self.exponent))


class Laplace(Generalised):
    def __init__(self, b: float) -> None:
        super().__init__(b, 1.0)


class Uniform(ExactNoise):
    def __init__(self, half_width: float) -> None:
        self.half_width = mpf(half_width)

    def tail(self, x: mpf) -> mpf:
        return max(1 - x / self.half_width, mpf(0)) / 2

    def density(self, x: mpf) -> mpf:
        return 1 / (2 * self.half_width)

    def quantile(self, p: mpf) -> mpf:
        return (2 * p - 1) * self.half_width
