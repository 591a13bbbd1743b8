"""Privacy loss of one coordinate with finitely many outcomes."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

import numpy as np

from smoothing.numerics.rounding import WIDE, wide

LARGEST_STEP = 64
"""Largest difference of two losses of one coordinate, in units, if all losses lie on one lattice by themselves."""

UNITS, FINEST = 256, 1024
"""Least and largest number of units in the spread of the losses of one coordinate, if losses are split between the
points of a lattice. The divergence of one coordinate grows by at most an eighth of a squared unit."""

LEAST_PROBABILITY = Fraction(1, 10**150)
"""Smallest positive probability of an outcome. Likelihood ratios stay within the range of float64."""


class Step:
    """One step of a random walk: ``L = log base + position * unit`` with positions from 0.

    An outcome between two positions is split into two outcomes at these positions, with its ``mu`` and its ``rho`` in
    total. Merging the two is post-processing, so the law on the lattice dominates the given one (THEORY.md section 2).
    All numbers are exact fractions.

    Args:
        mu: Probability of each outcome before the change, at least 0, summing to one.
        rho: Probability of the same outcomes after the change.
        ratio: Factor of the likelihood ratio per unit, above 1. By default the largest one at which no outcome is
            split.

    Raises:
        ValueError: If the laws differ in length, are not probabilities or too small, or if no ratio is given and the
            log ratios do not differ by whole multiples of one unit.

    Attributes:
        base: Smallest likelihood ratio ``rho / mu`` of an outcome possible under both laws; 1 if there is none.
        ratio: Factor of the likelihood ratio per unit, above 1; None if all likelihood ratios are equal.
        exact: Whether no outcome is split.
        p: ``rho`` of each position.
        sure: ``rho`` of the outcomes that are impossible under ``mu`` and thus reveal the change.
    """

    def __init__(
        self, mu: Sequence[Fraction | float], rho: Sequence[Fraction | float], ratio: Fraction | None = None
    ) -> None:
        pairs = list(zip(_normalised("mu", mu), _normalised("rho", rho), strict=True))
        both = [(r / m, r) for m, r in pairs if m and r]
        self.sure = sum((r for m, r in pairs if not m), Fraction(0))
        self.base = min((likelihood for likelihood, _ in both), default=Fraction(1))
        apart = sorted({likelihood / self.base for likelihood, _ in both} - {Fraction(1)})
        self.ratio = (ratio or reduce(_common_root, apart)) if apart else None
        placed: dict[int, Fraction] = {}
        for likelihood, r in both:
            for position, share in _split(likelihood / self.base, self.ratio):
                placed[position] = placed.get(position, Fraction(0)) + r * share
        self.exact = all(len(_split(likelihood, self.ratio)) == 1 for likelihood in apart)
        self.p = [placed.get(position, Fraction(0)) for position in range(max(placed, default=0) + 1)]


def common_ratio(laws: Sequence[tuple[Sequence[Fraction | float], Sequence[Fraction | float]]]) -> Fraction | None:
    """Return the ratio of a lattice for the losses of coordinates with different laws.

    If a lattice contains all differences of losses, it is chosen. Otherwise, the unit is the smallest spread of the
    losses of one coordinate, divided by `UNITS`, but at least the largest spread divided by `FINEST`.

    Args:
        laws: ``(mu, rho)`` of each coordinate.

    Returns:
        The ratio, above 1; None if each law lies on the lattice of its own ratio, and these ratios are equal.
    """
    apart = [sorted(_apart(mu, rho)) for mu, rho in laws]
    apart = [likelihoods for likelihoods in apart if likelihoods]
    if not apart:
        return None
    try:
        own = {reduce(_common_root, likelihoods) for likelihoods in apart}
        return None if len(own) == 1 else reduce(_common_root, sorted(own))
    except _NoRootError:
        spreads = [float(log_of(likelihoods[-1])) for likelihoods in apart]
        unit = max(min(spreads) / UNITS, max(spreads) / FINEST)
        # Few binary digits keep the powers of the ratio short. Rounded up, the last point is just above a largest loss.
        return 1 + Fraction(float(np.nextafter(np.float32(np.expm1(unit)), np.float32(np.inf))))


def _apart(mu: Sequence[Fraction | float], rho: Sequence[Fraction | float]) -> set[Fraction]:
    """Return the likelihood ratios above the smallest, divided by it."""
    pairs = zip(_normalised("mu", mu), _normalised("rho", rho), strict=True)
    likelihoods = {r / m for m, r in pairs if m and r}
    return {likelihood / min(likelihoods) for likelihood in likelihoods} - {Fraction(1)}


def _split(likelihood: Fraction, ratio: Fraction | None) -> list[tuple[int, Fraction]]:
    """Return the positions into which an outcome is split, with their shares of its ``rho``, exactly.

    Args:
        likelihood: Likelihood ratio of the outcome, at least 1, divided by that of position 0.
        ratio: Likelihood ratio of one unit, above 1; any if ``likelihood`` is 1.
    """
    if likelihood == 1 or ratio is None:
        return [(0, Fraction(1))]
    position = int(log_of(likelihood) / log_of(ratio))
    while ratio**position > likelihood:
        position -= 1
    while ratio ** (position + 1) <= likelihood:
        position += 1
    low = ratio**position
    if low == likelihood:
        return [(position, Fraction(1))]
    # Shares a and 1 - a of rho with a / low + (1 - a) / high = 1 / likelihood, so that mu is kept as well.
    high = low * ratio
    share = low * (high - likelihood) / (likelihood * (high - low))
    return [(position, share), (position + 1, 1 - share)]


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


class _NoRootError(ValueError):
    """Error: no number has all likelihood ratios as powers."""


def _common_root(a: Fraction, b: Fraction) -> Fraction:
    """Return the largest number of which both are powers, by Euclid's algorithm. Both are above 1."""
    least = float(log_of(max(a, b))) / (LARGEST_STEP + 0.5)
    large, small = max(a, b), min(a, b)
    while small != 1:
        if float(log_of(small)) < least:
            raise _NoRootError(
                f"RepeatedLoss: likelihood ratios = {float(a)} and {float(b)} times the smallest; must be powers of "
                f"one number, with exponents of at most {LARGEST_STEP}"
            )
        large, small = max(large / small, small), min(large / small, small)
    return large
