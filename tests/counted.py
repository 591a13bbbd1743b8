"""Votes with given counts, and exact probabilities of counts."""

from collections.abc import Iterator, Sequence

import mpmath
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor

from smoothing.certifiers.sampled.sampled_certifier import SELECTION
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, Votes

Float = NDArray[np.float64]

SLACK = 1e-10
"""Relative rounding of exact sums of float64 probabilities."""

FORGOTTEN = 1e-22
"""Probability that may be omitted at either end of a distribution. It is counted as failure."""


class CountedVotes(Votes):
    """Votes with the counts given as input. Class 0 is selected."""

    object = "test input"

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def object_shape(self, x: Tensor) -> Sequence[int]:
        return (1,)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        if seed[1] == SELECTION:
            return torch.tensor([draws] + [0] * (self.num_classes - 1)).expand(len(x), -1)
        assert first == 0
        assert (x.sum(1) == draws).all()
        return x


class RowVotes(CountedVotes):
    """Votes for class 0, except in the draws with the numbers given as input."""

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        if seed[1] == SELECTION:
            return super().counts(measure, x, index, draws, seed, first)
        lost = ((x >= first) & (x < first + draws)).sum(1)
        return torch.stack([draws - lost, lost], 1)


def counted(measure: SmoothingMeasure, counts: NDArray[np.int64], seed: int = 0) -> Ballots:
    """Return ballots with given counts ``(batch, K)``."""
    x = torch.from_numpy(np.ascontiguousarray(counts))
    return Ballots(measure, CountedVotes(x.shape[1]), x, torch.arange(len(x)), seed)


def every_count(n: int) -> NDArray[np.int64]:
    """Return all counts of ``n`` draws with two classes, ``(n + 1, 2)``."""
    lost = np.arange(n + 1)
    return np.stack([n - lost, lost], 1)


def crossing_probability(p: float, looks: Sequence[int], limits: Sequence[int]) -> float:
    """Return the probability that at any of the looks the number of successes is at most its limit.

    By dynamic programming over the counts; each draw succeeds with probability ``p``.

    Args:
        p: Probability of a success.
        looks: Ascending numbers of draws.
        limits: For each look a number of successes; -1 is never.
    """
    law, start, crossed, before = np.ones(1), 0, 0.0, 0
    for now, limit in zip(looks, limits, strict=True):
        first, step, forgotten = _law(now - before, p)
        law, start, before = np.convolve(law, step), start + first, now
        caught = max(0, min(limit + 1 - start, len(law)))
        crossed += law[:caught].sum() + forgotten
        law[:caught] = 0
        kept = np.flatnonzero(law > FORGOTTEN / len(law))
        if not len(kept):
            return crossed + law.sum()
        inside = law[kept[0] : kept[-1] + 1]
        crossed += law.sum() - inside.sum()
        law, start = inside, start + int(kept[0])
    return float(crossed)


def _law(draws: int, p: float) -> tuple[int, Float, float]:
    first, last = (int(end) for end in (binom.ppf(FORGOTTEN, draws, p), binom.isf(FORGOTTEN, draws, p)))
    first = max(first, 0)
    return first, binom.pmf(np.arange(first, last + 1), draws, p), 2 * FORGOTTEN


def tail(count: int, n: int, p: mpmath.mpf) -> mpmath.mpf:
    """Return ``Pr[X <= count]`` for ``n`` draws with success probability ``p``, to the precision of mpmath."""
    odds, term, total = (1 - p) / p, mpmath.mpf(1), mpmath.mpf(1)
    for successes in range(count, 0, -1):
        term *= successes * odds / (n - successes + 1)
        total += term
        if term < total * mpmath.eps and successes * odds < n - successes + 1:
            break
    return mpmath.binomial(n, count) * p**count * (1 - p) ** (n - count) * total


def some_counts(n: int, number: int) -> Iterator[int]:
    """Yield numbers of lost draws: the smallest ones, one in the middle, and random ones, most of them small."""
    rng = np.random.default_rng(n)
    chosen = {0, 1, 2, 5, n // 4, n // 2, *(n * rng.random(number) ** 4 / 2).astype(int).tolist()}
    yield from sorted(count for count in chosen if count <= n // 2)
