"""Privacy loss of one coordinate with finitely many outcomes."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

import numpy as np

from smoothing.numerics.rounding import WIDE, wide

LARGEST_STEP = 64
"""Largest difference of two losses of one coordinate, in units."""

LEAST_PROBABILITY = Fraction(1, 10**150)
"""Smallest positive probability of an outcome. Likelihood ratios stay within the range of float64."""


class Step:
    """One step of a random walk: ``L = log base + position * unit`` with positions from 0.

    Args:
        mu: Probability of each outcome before the change, at least 0, summing to one.
        rho: Probability of the same outcomes after the change.

    Raises:
        ValueError: If the laws differ in length, are not probabilities or too small, or have log ratios that do not
            differ by whole multiples of one unit.

    Attributes:
        base: Smallest likelihood ratio ``rho / mu`` of an outcome possible under both laws; 1 if there is none.
        ratio: Factor of the likelihood ratio per unit, above 1; None if all likelihood ratios are equal.
        p: ``rho`` of each position.
        sure: ``rho`` of the outcomes that are impossible under ``mu`` and thus reveal the change.
    """

    def __init__(self, mu: Sequence[Fraction | float], rho: Sequence[Fraction | float]) -> None:
        pairs = list(zip(_normalised("mu", mu), _normalised("rho", rho), strict=True))
        both = [(r / m, r) for m, r in pairs if m and r]
        self.sure = sum((r for m, r in pairs if not m), Fraction(0))
        self.base = min((likelihood for likelihood, _ in both), default=Fraction(1))
        apart = sorted({likelihood / self.base for likelihood, _ in both} - {Fraction(1)})
        self.ratio = reduce(_common_root, apart) if apart else None
        unit = log_of(self.ratio) if self.ratio else WIDE(1)
        positions = [round(float(log_of(likelihood / self.base) / unit)) for likelihood, _ in both]
        self.p = [Fraction(0)] * (max(positions, default=0) + 1)
        for position, (_, r) in zip(positions, both, strict=True):
            self.p[position] += r


def log_of(value: Fraction) -> np.longdouble:
    """Return the logarithm of a positive fraction, accurate to two units in the last place, also near 1."""
    if value < 1:
        return WIDE(-log_of(1 / value))
    return WIDE(np.log1p(wide(value - 1)))


def _normalised(name: str, law: Sequence[Fraction | float]) -> list[Fraction]:
    exact = [Fraction(p) for p in law]
    total = sum(exact, Fraction(0))
    shown = "(" + ", ".join(f"{float(p):.6g}" for p in exact) + ")"
    if min(exact) < 0 or abs(float(total) - 1) > 1e-9:
        raise ValueError(f"RepeatedLoss: {name} = {shown}; must be probabilities that sum to one")
    if any(0 < p < LEAST_PROBABILITY for p in exact):
        raise ValueError(f"RepeatedLoss: {name} = {shown}; must be 0 or at least {float(LEAST_PROBABILITY)} each")
    return [p / total for p in exact]


def _common_root(a: Fraction, b: Fraction) -> Fraction:
    """Return the largest number of which both are powers, by Euclid's algorithm. Both are above 1."""
    least = float(log_of(max(a, b))) / (LARGEST_STEP + 0.5)
    large, small = max(a, b), min(a, b)
    while small != 1:
        if float(log_of(small)) < least:
            raise ValueError(
                f"RepeatedLoss: likelihood ratios = {float(a)} and {float(b)} times the smallest; must be powers of "
                f"one number, with exponents of at most {LARGEST_STEP}"
            )
        large, small = max(large / small, small), min(large / small, small)
    return large
