"""Whether logged radii are ones that a Monte Carlo certificate can print."""

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
"""Smallest and largest alpha that are searched for one that fits."""

SLACK = 1e-9
"""Relative width added to every radius, far more than rounding and far less than the step from a count to the next."""


@dataclass(frozen=True)
class Finding:
    """What an audit found.

    Attributes:
        alpha: Failure probability as stated.
        sigma: Standard deviation of the noise.
        n: Number of draws that bound the vote.
        rows: Number of radii looked at: those above 0, which alone claim anything.
        impossible: Radii that no count of ``n`` draws gives at ``alpha``, ascending, and how many rows show each.
        fits: All alpha that leave the fewest rows unexplained, as closed intervals, ascending.
        unexplained: How many rows those leave.
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
        """Number of rows whose radius is impossible."""
        return sum(self.impossible.values())

    @property
    def best(self) -> tuple[float, float, float]:
        """The simplest alpha that fits, the stated one before all others, and the interval that it lies in."""
        candidates = (_simplest(low, high, self.alpha) for low, high in self.fits)
        (_, value), (low, high) = min(zip(candidates, self.fits, strict=True))
        return float(value), low, high


def audit(radii: ArrayLike, alpha: float, sigma: float, n: int) -> Finding:
    """Ask of every radius which count, and which alpha, can have given it.

    The certificate is that of Cohen et al. (2019): the one-sided Clopper-Pearson bound ``p`` of a count ``k`` among
    ``n``, and the radius ``sigma Phi^-1(p)``. Since ``p`` is where ``Pr[Binomial(n, p) >= k] = alpha``, a radius that
    was printed from somewhere within ``[low, high]`` comes from the count ``k`` iff

        ``Pr[Binomial(n, Phi(low / sigma)) >= k] <= alpha <= Pr[Binomial(n, Phi(high / sigma)) >= k]``.

    So each radius allows a union of intervals of alpha, and no alpha is guessed (THEORY.md section 5). What was rounded
    away in printing is told from the radii themselves, see `printed_from`.

    Args:
        radii: Certified radii as logged, at least 0; zeros, which claim nothing, are left out.
        alpha: Failure probability that the log is said to hold at.
        sigma: Standard deviation of the noise, on the scale of the radii.
        n: Number of draws that bound the vote.

    Raises:
        ValueError: If a radius, alpha, sigma or n cannot be one.
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
    """The numbers that were rounded to the radii of a log, rounding to nearest.

    A log prints all its radii alike, with so many digits in all (``{:.3}``) or so many after the point (``{:.3f}``);
    both drop zeros at the end, or may. The radius with most digits shows how many. Which of the two it is does not
    show, so the wider interval is taken, and nothing is called impossible that might not be.

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
    """All alpha within ``[low, high]`` whose bound of some count lies within ``[p_low, p_high]``.

    Returns:
        ``(intervals, 2)`` ends of disjoint closed intervals, ascending.
    """
    # Counts whose bound at the largest and the smallest alpha lies there, and one more on either side.
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
    """Where the unions of intervals that hold weigh most, and how much that is."""
    if not any(map(len, unions)):
        return (SEARCHED,), 0
    starts, ends = np.concatenate(unions).T
    weight = np.repeat(weights, [len(union) for union in unions])
    at = np.concatenate([starts, ends])
    change = np.concatenate([weight, -weight])
    # Closed intervals: at one place, those that start come before those that end.
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
    """The number within ``[low, high]`` with the fewest digits, nearest to the one stated; and how simple it is."""
    if low <= stated <= high:
        return (0, 0.0), Decimal(repr(stated))
    # The end towards the stated number, and from there inwards.
    near, far, inwards = (low, high, ROUND_CEILING) if stated < low else (high, low, ROUND_FLOOR)
    number = Decimal(repr(near))
    for digits in range(1, 18):
        shorter = number.quantize(Decimal(1).scaleb(number.adjusted() + 1 - digits), inwards)
        if low <= float(shorter) <= high:
            return (digits, abs(np.log(near / stated))), shorter
    return (18, abs(np.log(far / stated))), number
