"""Analytic bounds on the chance that a rival catches up with the winner of a linear vote."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers.analytic.margin import Kinds, Margin
from smoothing.certifiers.analytic.sketch import Sampler
from smoothing.certifiers.analytic.tilt import best_tilt
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.numerics.rounding import Float
from smoothing.numerics.threads import for_each, one_thread
from smoothing.votes.labels.linear import Scores

CHUNK = 2**17
"""Weights handled at a time: few enough to stay in a core's cache."""

PAIRS = 256
"""Sketches handled at a time."""

SURPRISE = 0.05
"""Relative difference between ``K`` and its sketch from which a better tilt is sought on all points."""

Refine = Callable[[Margin, Tensor, Float], Float]
"""From margins, their tilts and upper bounds on ``K`` there, to bounds on ``log Pr[s_i <= s_i']``, all ``(rows,)``."""


def pairwise_bounds(scores: Scores, channel: NDArray[np.float64], winner: NDArray[np.int64], refine: Refine) -> Float:
    """Bound the chance that each rival catches up with the winner.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix of the label noise.
        winner: ``(batch,)`` classes.
        refine: What to make of Chernoff's bound.

    Returns:
        ``(batch, K-1)`` float64, at most 0, rivals ascending.
    """
    seconds = rivals(winner, scores.num_classes)
    with one_thread():
        matrix, first = torch.from_numpy(channel), torch.from_numpy(winner)
        tilts, foreseen = _sketched(scores, matrix, first, torch.from_numpy(seconds))
    order = scores.labels.argsort(stable=True)
    starts = [0, *torch.bincount(scores.labels, minlength=scores.num_classes).cumsum(0).tolist()]
    kinds, out = Kinds(channel), np.zeros(seconds.shape)
    # Rows that share their winner share the kinds of labels too.
    parts = [torch.from_numpy(np.flatnonzero(winner == c)) for c in np.unique(winner)]
    chunks = [rows for part in parts for rows in part.split(max(1, CHUNK // len(order)))]

    def work(some: slice) -> None:
        for rows in chunks[some]:
            weights, offsets = scores.weights[rows][:, order], scores.offsets[rows]
            norm, first = torch.linalg.vector_norm(weights, dim=1), winner[rows[0]]
            for column, second in enumerate(seconds[rows[0]]):
                offset = offsets[:, first] - offsets[:, second]
                margin = Margin.of(weights, starts, kinds(first, second), offset, norm)
                tilt, bound = _evaluate(margin, tilts[rows, column], foreseen[rows, column])
                out[rows.numpy(), column] = refine(margin, tilt, bound)

    for_each(work, len(chunks), 1)
    return np.minimum(out, 0)


def _sketched(scores: Scores, channel: Tensor, winner: Tensor, seconds: Tensor) -> tuple[Tensor, Tensor]:
    """Nearly best tilts and what ``K`` is there by few training points, both ``(batch, K-1)``."""
    sampler = Sampler(scores, channel)
    tilts, foreseen = (torch.empty(seconds.shape, dtype=torch.float64) for _ in range(2))
    pairs = torch.cartesian_prod(torch.arange(len(winner)), torch.arange(seconds.shape[1]))
    for rows, columns in (part.T for part in pairs.split(PAIRS)):
        sketch = sampler.sketch(rows, winner[rows], seconds[rows, columns])
        tilts[rows, columns] = sketch.best_tilt()
        foreseen[rows, columns] = sketch.log_mgf(tilts[rows, columns])
    return tilts, foreseen


def _evaluate(margin: Margin, tilt: Tensor, foreseen: Tensor) -> tuple[Tensor, Float]:
    """The tilt and the bound there, sought again where the bound is not what the sketch foresaw."""
    bound = margin.log_mgf(tilt)
    expected = foreseen.numpy()
    close = np.abs(bound - expected) <= SURPRISE * np.maximum(np.abs(expected), 0.1)
    poor = torch.from_numpy(np.flatnonzero((tilt > 0).numpy() & ~close))
    if len(poor):
        again = margin[poor]
        better = best_tilt(again, tilt[poor])
        better_bound = again.log_mgf(better)
        gain = better_bound < bound[poor.numpy()]
        tilt[poor[gain]] = better[gain]
        bound[poor[gain].numpy()] = better_bound[gain]
    return tilt, bound
