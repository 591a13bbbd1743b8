"""Analytic bounds on the chance that a rival catches up with the winner of a linear vote."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers.margin import Margin
from smoothing.certifiers.mean_vote import rivals
from smoothing.certifiers.tilt import Sketch, best_tilt
from smoothing.rounding import Float
from smoothing.threads import for_each, one_thread
from smoothing.votes.linear import Scores

CHUNK = 2**17
"""Weights handled at a time: few enough to stay in a core's cache."""

SAMPLE = 256
"""Training points in a sketch."""

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
    first, matrix = torch.from_numpy(winner), torch.from_numpy(channel)
    seconds = torch.from_numpy(rivals(winner, scores.num_classes)).T
    order = scores.labels.argsort(stable=True)
    sizes = torch.bincount(scores.labels, minlength=scores.num_classes).tolist()
    with one_thread():
        sketches = [_sketch(scores, order, matrix, first, second) for second in seconds]
        tilts = [sketch.best_tilt() for sketch in sketches]
        foreseen = [sketch.log_mgf(tilt) for sketch, tilt in zip(sketches, tilts, strict=True)]
    out = np.zeros((len(winner), len(seconds)))

    def work(rows: slice) -> None:
        weights = scores.weights[rows]
        by_label = weights.gather(1, order.expand(len(weights), -1)).split(sizes, 1)
        for column, second in enumerate(seconds):
            margin = Margin.of(by_label, scores.offsets[rows], matrix, first[rows], second[rows])
            tilt, bound = _evaluate(margin, tilts[column][rows], foreseen[column][rows])
            out[rows, column] = refine(margin, tilt, bound)

    for_each(work, len(winner), max(1, CHUNK // len(order)))
    return np.minimum(out, 0)


def _sketch(scores: Scores, order: Tensor, channel: Tensor, first: Tensor, second: Tensor) -> Sketch:
    chosen = order[:: max(1, len(order) // SAMPLE)]
    sizes = torch.bincount(scores.labels[chosen], minlength=scores.num_classes).tolist()
    by_label = scores.weights.index_select(1, chosen).split(sizes, 1)
    sample = Margin.of(by_label, scores.offsets, channel, first, second)
    losing = channel[:, second].T - channel[:, first].T
    slope = (scores.class_sums * losing).sum(1) - sample.offset
    squares = torch.linalg.vector_norm(scores.weights, dim=1).square()
    return Sketch.of(sample, len(order), squares, slope)


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
