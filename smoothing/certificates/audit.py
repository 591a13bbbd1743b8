"""Audit of logged radii: whether a Monte Carlo certificate can have printed them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import inf
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, norm

Float = NDArray[np.float64]

SEARCHED = (1e-9, 0.5)
"""Smallest and largest alpha of the search for an alpha that fits."""

SLACK = 1e-9
"""Relative tolerance added to every radius. It is far above rounding errors and far below the step between counts."""


@dataclass(frozen=True)
class Finding:
    """Result of an audit.

    Attributes:
        alpha: Stated failure probability.
        sigma: Standard deviation of the noise.
        n: Number of draws that bound the vote.
        rows: Number of audited rows: those with a radius above 0. A radius of 0 certifies nothing.
        impossible: Radii that no count of ``n`` draws gives at ``alpha``, ascending, with their numbers of rows.
        fits: All alpha that explain as many rows as possible, as closed intervals, ascending.
        unexplained: Number of rows that these alpha do not explain.
    """

    alpha: float
    sigma: float
    n: int
    rows: int
    impossible: dict[float, int]
    fits: tuple[tuple[float, float], ...]
    unexplained: int

    @property
    def impossible_rows(self) -> int:
        """Number of rows with an impossible radius."""
        return sum(self.impossible.values())

    @property
    def best(self) -> tuple[float, float, float]:
        """The simplest alpha that fits and the ends of its interval. The stated alpha is preferred if it fits."""
        candidates = (_simplest(low, high, self.alpha) for low, high in self.fits)
        (_, value), (low, high) = min(zip(candidates, self.fits, strict=True))
        return float(value), low, high


def audit(radii: ArrayLike, alpha: float, sigma: float, n: int) -> Finding:
    """Compute which radii are impossible at the stated alpha, and which alpha fits best.

    The certificate is that of Cohen et al. (2019): the one-sided Clopper-Pearson bound ``p`` of a count ``k`` among
    ``n``, and the radius ``sigma Phi^-1(p)``. The bound ``p`` solves ``Pr[Binomial(n, p) >= k] = alpha``. Hence a
    radius that was printed from a number within ``[low, high]`` can come from the count ``k`` iff

        ``Pr[Binomial(n, Phi(low / sigma)) >= k] <= alpha <= Pr[Binomial(n, Phi(high / sigma)) >= k]``.

    Each radius thus allows a union of intervals of alpha; no alpha is guessed (THEORY.md section 5). The interval
    ``[low, high]`` is inferred from the printed digits, see `printed_from`.

    Args:
        radii: Certified radii as logged, at least 0. Zeros are skipped.
        alpha: Stated failure probability, within `SEARCHED`.
        sigma: Standard deviation of the noise, on the scale of the radii.
        n: Number of draws that bound the vote.

    Raises:
        ValueError: If a radius, alpha, sigma or n is out of range.
    """
    low, high = SEARCHED
    if not low <= alpha <= high:
        raise ValueError(f"audit: alpha = {alpha}; must be within [{low:g}, {high:g}]")
    if not 0 < sigma < inf:
        raise ValueError(f"audit: sigma = {sigma}; must be finite and above 0")
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"audit: n = {n}; must be at least 1 and a whole number")
    logged = np.asarray(radii, np.float64)
    if wrong := logged[~(logged >= 0)].tolist():
        raise ValueError(f"audit: radius = {wrong[0]}; must be at least 0")
    values, times = np.unique(logged, return_counts=True)
    values, times = values[values > 0], times[values > 0]
    p_low, p_high = (norm.cdf(bound / sigma) for bound in printed_from(values))
    impossible = {
        float(value): int(count)
        for value, count, least, most in zip(values, times, p_low, p_high, strict=True)
        if not len(_alphas(least, most, n, alpha, alpha))
    }
    allowed = [_alphas(least, most, n, low, high) for least, most in zip(p_low, p_high, strict=True)]
    fits, explained = _most_covered(allowed, times.tolist())
    rows = int(times.sum())
    return Finding(alpha, sigma, n, rows, impossible, fits, rows - explained)


def printed_from(radii: Float) -> tuple[Float, Float]:
    """Return the interval of numbers that are printed as each radius of a log, under rounding to nearest.

    A log prints all its radii in one format: with a fixed number of significant digits (``{:.3}``) or of decimal places
    (``{:.3f}``). Trailing zeros may be dropped. The number of digits is taken from the longest radius. The format is
    unknown, so the wider of the two intervals is returned. No possible radius is called impossible.

    Args:
        radii: ``(radii,)`` float64, all above 0, as read from a log.

    Returns:
        Two arrays ``(radii,)``: lower and upper ends.
    """
    spelled = [Decimal(repr(float(radius))).normalize() for radius in radii if radius < inf]
    digits = max((len(number.as_tuple().digits) for number in spelled), default=0)
    places = max((-int(number.as_tuple().exponent) for number in spelled), default=0)
    steps = (10.0 ** max(number.adjusted() + 1 - digits, -places) / 2 for number in spelled)
    half = np.zeros(len(radii))
    half[radii < inf] = list(steps)
    finite = np.where(radii < inf, radii, 0.0)
    width = half + SLACK * finite
    return radii - width, radii + width


def _alphas(p_low: float, p_high: float, n: int, low: float, high: float) -> Float:
    """Return all alpha within ``[low, high]`` for which the bound of some count lies within ``[p_low, p_high]``.

    Returns:
        ``(intervals, 2)`` ends of disjoint closed intervals, ascending.
    """
    # Counts with a bound in the interval at the largest and the smallest alpha, and one more on either side.
    first, last = (np.clip(binom.isf(a, n, p) + d, 0, n) for a, p, d in ((high, p_low, -1), (low, p_high, 2)))
    counts = np.arange(last, first - 1, -1)
    starts, ends = (binom.sf(counts - 1, n, p) for p in (p_low, p_high))
    met = (starts <= high) & (ends >= low)
    if not met.any():
        return np.empty((0, 2))
    starts, ends = (np.clip(side[met], low, high) for side in (starts, ends))
    apart = starts[1:] > ends[:-1]
    return np.stack([starts[np.r_[True, apart]], ends[np.r_[apart, True]]], axis=1)


def _most_covered(unions: Sequence[Float], weights: Sequence[int]) -> tuple[tuple[tuple[float, float], ...], int]:
    """Return the intervals that are covered by the largest total weight of unions, and this weight."""
    if not any(map(len, unions)):
        return (SEARCHED,), 0
    starts, ends = np.concatenate(unions).T
    weight = np.repeat(weights, [len(union) for union in unions])
    at = np.concatenate([starts, ends])
    change = np.concatenate([weight, -weight])
    # The intervals are closed: at equal positions, starts precede ends.
    order = np.lexsort((-change, at))
    at, total = at[order], np.cumsum(change[order])
    best = int(total.max())
    return tuple(_stretches(at, total == best)), best


def _stretches(at: Float, chosen: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
    start = None
    for place, here in zip(at.tolist(), chosen.tolist(), strict=True):
        if here and start is None:
            start = place
        elif not here and start is not None:
            yield start, place
            start = None


def _simplest(low: float, high: float, stated: float) -> tuple[tuple[int, float], Decimal]:
    """Return a sort key and the number within ``[low, high]`` with the fewest digits, nearest to the stated one."""
    if low <= stated <= high:
        return (0, 0.0), Decimal(repr(stated))
    # Start at the end next to the stated number and round inwards.
    near, far, inwards = (low, high, ROUND_CEILING) if stated < low else (high, low, ROUND_FLOOR)
    number = Decimal(repr(near))
    for digits in range(1, 18):
        shorter = number.quantize(Decimal(1).scaleb(number.adjusted() + 1 - digits), inwards)
        if low <= float(shorter) <= high:
            return (digits, abs(np.log(near / stated))), shorter
    return (18, abs(np.log(far / stated))), number
