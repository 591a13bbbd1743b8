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
    allowed = _unions(p_low, p_high, n)
    possible = [bool(((union[:, 0] <= alpha) & (alpha <= union[:, 1])).any()) for union in allowed]
    impossible = {
        float(value): int(count) for value, count, met in zip(values, times, possible, strict=True) if not met
    }
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


_BLOCK = 1_000_000
"""Largest number of pairs of a radius and a count that are computed at once."""

_CACHED = 200_000
"""Largest number of radii with cached intervals of alpha."""

_cache: dict[tuple[float, float, int], Float] = {}


def _unions(p_low: Float, p_high: Float, n: int) -> list[Float]:
    """Return for every radius all alpha within `SEARCHED` for which the bound of some count lies in its interval.

    Results are cached, since logs of the same noise share most of their radii.

    Args:
        p_low: ``(radii,)`` lower ends of the intervals of the bound, at least 1/2.
        p_high: ``(radii,)`` upper ends.
        n: Number of draws.

    Returns:
        For every radius ``(intervals, 2)`` ends of disjoint closed intervals, ascending.
    """
    keys = [(least, most, n) for least, most in zip(p_low.tolist(), p_high.tolist(), strict=True)]
    known = {key: _cache[key] for key in keys if key in _cache}
    missing = [key for key in keys if key not in known]
    if missing:
        least, most = np.array(missing)[:, :2].T
        known |= zip(missing, _compute_unions(least, most, n), strict=True)
        if len(_cache) > _CACHED:
            _cache.clear()
        _cache.update(known)
    return [known[key] for key in keys]


def _compute_unions(p_low: Float, p_high: Float, n: int) -> Iterator[Float]:
    """Yield what `_unions` returns, without the cache."""
    if not len(p_low):
        return
    low, high = SEARCHED
    # Counts with a bound in the interval at the largest and the smallest alpha, and one more on either side.
    first = np.clip(binom.isf(high, n, p_low) - 1, 0, n)
    last = np.clip(binom.isf(low, n, p_high) + 2, 0, n)
    steps = int((last - first).max()) + 1
    rows = max(1, _BLOCK // steps)
    for at in range(0, len(p_low), rows):
        part = slice(at, at + rows)
        counts = last[part, None] - np.arange(steps)
        starts, ends = (_tails(p[part], last[part], counts, n) for p in (p_low, p_high))
        met = (starts <= high) & (ends >= low) & (counts >= first[part, None])
        radius = np.nonzero(met)[0]
        left, right = (np.clip(side[met], low, high) for side in (starts, ends))
        apart = (left[1:] > right[:-1]) | (radius[1:] != radius[:-1])
        begins, closes = np.append(True, apart)[: len(left)], np.append(apart, True)[: len(left)]
        unions = np.stack([left[begins], right[closes]], axis=1)
        yield from np.split(unions, np.searchsorted(radius[begins], np.arange(1, len(starts))))


def _tails(p: Float, last: Float, counts: Float, n: int) -> Float:
    """Return ``Pr[Binomial(n, p) >= count]`` for successive descending counts.

    The first tail is evaluated directly. The others add the probabilities of single counts, which follow from the first
    by their ratios. The relative error is far below that of `SLACK`.

    Args:
        p: ``(radii,)`` probabilities, at least 1/2.
        last: ``(radii,)`` largest counts, equal to ``counts[:, 0]``.
        counts: ``(radii, counts)`` counts in steps of -1. Tails of negative counts are not used.
        n: Number of draws.

    Returns:
        ``(radii, counts)`` tails.
    """
    tails = np.empty_like(counts)
    tails[:, 0] = binom.sf(last - 1, n, p)
    with np.errstate(divide="ignore"):
        odds = np.log((1 - p) / p)[:, None]
    above = np.maximum(counts[:, :-1], 1)
    logs = np.log(above / (n + 1 - above)) + odds
    logs[:, :1] += binom.logpmf(last, n, p)[:, None]
    np.cumsum(logs, axis=1, out=logs)
    np.exp(logs, out=tails[:, 1:])
    return np.asarray(np.cumsum(tails, axis=1, out=tails))


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
    """Yield the first and the following position of every run of chosen positions."""
    before = np.append(False, chosen[:-1])
    yield from zip(at[chosen & ~before].tolist(), at[~chosen & before].tolist(), strict=True)


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
