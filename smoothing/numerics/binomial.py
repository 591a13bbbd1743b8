"""Confidence bounds on a probability, from a count of independent draws."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc
from scipy.stats import beta

from smoothing.numerics.rounding import Float

Count = NDArray[np.int64]

ACCURACY = 1e-12
"""Bound on the relative error of SciPy's binomial tails. The largest observed error up to a million draws is 3e-15."""

ACCURACY_PER_DRAW = 1e-19
"""The same per draw, for more than ten million draws. The largest observed error up to 10^12 draws is 3e-20."""

SMALLEST_ALPHA = 1e-300
"""Smallest failure probability of a bound. Smaller tails come close to the smallest float64 numbers."""

HALVINGS = 70
"""Number of bisections after which no float64 lies between the ends."""


def upper_bound(count: Count, n: Count | int, alpha: float) -> Float:
    """Return the one-sided Clopper-Pearson upper bound on a probability, rounded up.

    Args:
        count: Successes among ``n`` draws, any shape, within ``0 .. n``.
        n: Number of draws, at least 1; broadcast to ``count``.
        alpha: Failure probability, at least `SMALLEST_ALPHA` and below 1.

    Returns:
        Float64 of the shape of ``count``, at most 1.

    Raises:
        ValueError: If an argument is out of its range.
    """
    count, n = np.broadcast_arrays(count, n)
    if not SMALLEST_ALPHA <= alpha < 1:
        raise ValueError(f"upper_bound: alpha = {alpha}; must be at least {SMALLEST_ALPHA} and below 1")
    if not ((count >= 0) & (count <= n) & (n >= 1)).all():
        raise ValueError("upper_bound: count is out of range; must be within 0 .. n, with n at least 1")
    all_won = count >= n
    near = np.where(all_won, 1.0, beta.isf(alpha, np.where(all_won, 1, count + 1), np.where(all_won, 1, n - count)))
    if (failed := np.isnan(near)).any():  # SciPy cannot invert some tails below 1e-150
        near = np.where(failed, _inverted(count, n, alpha), near)
    return _rounded_up(near, lambda p: _at_most(count, n, p), n, alpha)


def randomised_upper_bound(count: Count, n: Count | int, alpha: float, uniform: Float) -> Float:
    """Return an upper bound that fails with probability exactly ``alpha``, up to rounding up (Stevens 1950).

    The bound is the ``p`` with ``Pr[X < count] + uniform Pr[X = count] = alpha``. It is at most the Clopper-Pearson
    bound, which corresponds to ``uniform = 1``. If ``count`` is 0, the Clopper-Pearson bound is returned: otherwise a
    small ``uniform`` would give the bound 0 and certify any radius.

    Args:
        count: Successes among ``n`` draws, any shape, within ``0 .. n``.
        n: Number of draws, at least 1; broadcast to ``count``.
        alpha: Failure probability, at least `SMALLEST_ALPHA` and below 1.
        uniform: Independent uniform draws from (0, 1]; broadcast to ``count``.

    Returns:
        Float64 of the shape of ``count``, at most 1.

    Raises:
        ValueError: If an argument is out of its range.
    """
    count, n, uniform = np.broadcast_arrays(count, n, uniform)
    if not ((uniform > 0) & (uniform <= 1)).all():
        raise ValueError("randomised_upper_bound: uniform is out of range; must be within (0, 1]")
    plain = high = upper_bound(count, n, alpha)
    low = upper_bound(np.maximum(count - 1, 0), n, alpha) * (1 - ACCURACY)

    def tail(p: Float) -> Float:
        return (1 - uniform) * _at_most(count - 1, n, p) + uniform * _at_most(count, n, p)

    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = tail(middle) <= alpha
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(count > 0, np.minimum(_rounded_up(high, tail, n, alpha), plain), plain)


def uniform_behind(bound: Float, count: Count, n: Count | int, alpha: float) -> Float:
    """Return the ``uniform`` of a `randomised_upper_bound`, reconstructed to about nine digits.

    Args:
        bound: The bound.
        count: Successes among ``n`` draws.
        n: Number of draws.
        alpha: Failure probability.

    Returns:
        Float64 of the shape of ``bound``; 1 where ``count`` is 0.
    """
    count, n, bound = np.broadcast_arrays(count, n, bound)
    below = _at_most(count - 1, n, bound)
    return np.asarray((alpha - below) / (_at_most(count, n, bound) - below))


def log_up(probability: Float) -> Float:
    """Return the logarithm of probabilities, rounded up."""
    return np.nextafter(np.log(probability), np.inf)


def _at_most(count: Count, n: Count, p: Float) -> Float:
    """Return ``Pr[X <= count]`` for ``n`` draws with success probability ``p``."""
    inside = (count >= 0) & (count < n)
    tail = betaincc(np.where(inside, count + 1, 1), np.where(inside, n - count, 1), p)
    return np.where(inside, tail, np.where(count < 0, 0.0, 1.0))


def _inverted(count: Count, n: Count, alpha: float) -> Float:
    """About the ``p`` at which `_at_most` is ``alpha``, by bisection."""
    low, high = np.zeros(count.shape), np.ones(count.shape)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _at_most(count, n, middle) <= alpha
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _rounded_up(near: Float, tail: Callable[[Float], Float], n: Count, alpha: float) -> Float:
    """Increase an approximate solution of ``tail(p) = alpha`` until the tail is provably below ``alpha``."""
    step = np.finfo(np.float64).eps
    enough = alpha * (1 - np.maximum(ACCURACY, ACCURACY_PER_DRAW * n))
    while (low := (tail(near) > enough) & (near < 1)).any():
        near = np.where(low, np.minimum(near * (1 + step), 1.0), near)
        step *= 2
    return near
