"""Analytic bounds on the probability that a rival catches up with the winner of a linear vote (THEORY.md 4.1)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers.analytic.margin import LabelKinds, Margin
from smoothing.certifiers.analytic.shared_tilt import SharedTilt
from smoothing.certifiers.analytic.sketch import Sampler
from smoothing.certifiers.analytic.tilt import best_tilt
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.numerics.rounding import Float
from smoothing.numerics.threads import for_each, one_thread
from smoothing.votes.labels.linear import Scores

CHUNK = 2**19
"""Weights gathered at a time."""

PAIRS = 256
"""Sketches processed at a time."""

SURPRISE = 0.05
"""Relative difference between ``K`` and its sketch above which a better tilt is sought on all points."""

Refine = Callable[[Margin, Tensor, Float], Float]
"""From margins, their tilts and upper bounds on ``K`` there, to bounds on ``log Pr[s_i <= s_i']``, all ``(rows,)``."""


def pairwise_bounds(
    scores: Scores, channel: NDArray[np.float64], winner: NDArray[np.int64], refine: Refine, spare: float = np.inf
) -> Float:
    """Bound the probability that each rival catches up with the winner.

    Each rival's bound is evaluated at a tilt of its own, unless it cannot matter. The sketches name the strongest
    rival. At its tilt, the bounds of all rivals share most of their terms and cost little more than one (`SharedTilt`).
    A rival whose bound there is at least ``spare`` below that of the strongest keeps it.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix of the label noise.
        winner: ``(batch,)`` classes.
        refine: Turns Chernoff's bound into the bound returned.
        spare: How far below the strongest rival's bound another bound does not matter, at least 0: 0 where only the
            largest bound is used, infinite where all are.

    Returns:
        ``(batch, K-1)`` float64 upper bounds on ``log Pr[s_i <= s_i']``, at most 0, rivals ascending.
    """
    seconds = rivals(winner, scores.num_classes)
    with one_thread():
        matrix, first = torch.from_numpy(channel), torch.from_numpy(winner)
        tilts, foreseen = _sketched(scores, matrix, first, torch.from_numpy(seconds))
    strongest = foreseen.argmax(1)
    # The shared pass costs about as much as one rival; it pays where it is likely to spare more.
    spared = (foreseen < foreseen.amax(1, keepdim=True) - spare).sum(1) > 1
    (order, starts), norm = scores.by_label, scores.class_squares.sum(1).sqrt()
    weights = scores.weights.numpy()
    kinds, out = LabelKinds(channel), np.zeros(seconds.shape)
    # Rows that share their winner share the kinds of labels too.
    parts = [torch.from_numpy(np.flatnonzero(winner == c)) for c in np.unique(winner)]
    chunks = [rows for part in parts for rows in part.split(max(1, CHUNK // len(order)))]

    def work(some: slice) -> None:
        for rows in chunks[some]:
            first, several = int(winner[rows[0]]), len(rows) > 1
            of_rows = weights[rows.numpy()] if several else weights[int(rows[0]), None]
            chunk = _Chunk(
                # The order has no index to clip; NumPy is fastest in this mode.
                weights=torch.from_numpy(of_rows.take(order, 1, mode="clip")),
                starts=starts,
                offsets=scores.offsets[rows],
                norm=norm[rows],
                winner=first,
                others=seconds[rows[0]],
                kinds=kinds,
                tilts=tilts[rows],
                foreseen=foreseen[rows],
                refine=refine,
            )
            shared = SharedTilt.of(channel, first) if spared[rows].any() else None
            out[rows.numpy()] = chunk.bounds(strongest[rows], shared, spared[rows], spare).numpy()

    for_each(work, len(chunks), 1)
    return np.minimum(out, 0)


class _Chunk(NamedTuple):
    """Rows with one winner, and the inputs of the bounds of its rivals.

    Attributes:
        weights: ``(rows, n)`` weights, in the order of their labels.
        starts: ``(K+1,)`` first position of each label in that order, then n.
        offsets: ``(rows, K)`` offsets.
        norm: ``(rows,)`` Euclidean length of the weights.
        winner: The winner's class.
        others: ``(K-1,)`` the other classes.
        kinds: Kinds of labels under the channel.
        tilts: ``(rows, K-1)`` tilts found on the sketches.
        foreseen: ``(rows, K-1)`` sketched ``K`` at these tilts.
        refine: See `pairwise_bounds`.
    """

    weights: Tensor
    starts: Sequence[int]
    offsets: Tensor
    norm: Tensor
    winner: int
    others: NDArray[np.int64]
    kinds: LabelKinds
    tilts: Tensor
    foreseen: Tensor
    refine: Refine

    def bounds(self, leader: Tensor, shared: SharedTilt | None, spared: Tensor, spare: float) -> Tensor:
        """Return the bounds of all rivals, ``(rows, K-1)``.

        Args:
            leader: ``(rows,)`` column of the rival that is evaluated first.
            shared: Difference of the rivals' ``K`` at one tilt, if the channel has such terms.
            spared: ``(rows,)`` whether the row uses it.
            spare: See `pairwise_bounds`.
        """
        every = torch.arange(len(leader))
        bounds = torch.empty(len(leader), len(self.others), dtype=torch.float64)
        tilt, bound = torch.empty(2, len(leader), dtype=torch.float64)
        for column in leader.unique().tolist():
            rows = (leader == column).nonzero().flatten()
            tilt[rows], bound[rows], bounds[rows, column] = self.bound(column, rows)
        strongest = bounds[every, leader]
        matters = torch.ones(bounds.shape, dtype=torch.bool)
        if shared is not None:
            of_rows = self.weights[spared], self.starts, self.offsets[spared], tilt[spared], leader[spared]
            bounds[spared] = bound[spared, None] + shared.excess(*of_rows)
            matters[spared] = ~(bounds[spared] <= strongest[spared, None] - spare)
        bounds[every, leader], matters[every, leader] = strongest, False
        for column in matters.any(0).nonzero().flatten().tolist():
            rows = matters[:, column].nonzero().flatten()
            bounds[rows, column] = self.bound(column, rows)[2]
        return bounds

    def bound(self, column: int, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tilt, Chernoff's bound and the refined bound of one rival in some rows, all ``(len(rows),)``."""
        rival = int(self.others[column])
        weights = self.weights if len(rows) == len(self.weights) else self.weights[rows]
        offset = self.offsets[rows, self.winner] - self.offsets[rows, rival]
        margin = Margin.of(weights, self.starts, self.kinds(self.winner, rival), offset, self.norm[rows])
        tilt, bound = _evaluate(margin, self.tilts[rows, column], self.foreseen[rows, column])
        return tilt, torch.from_numpy(bound), torch.from_numpy(self.refine(margin, tilt, bound))


def _sketched(scores: Scores, channel: Tensor, winner: Tensor, seconds: Tensor) -> tuple[Tensor, Tensor]:
    """Return nearly optimal tilts and the sketched ``K`` at these tilts, both ``(batch, K-1)``."""
    sampler = Sampler(scores, channel)
    tilts, foreseen = (torch.empty(seconds.shape, dtype=torch.float64) for _ in range(2))
    pairs = torch.cartesian_prod(torch.arange(len(winner)), torch.arange(seconds.shape[1]))
    for rows, columns in (part.T for part in pairs.split(PAIRS)):
        sketch = sampler.sketch(rows, winner[rows], seconds[rows, columns])
        tilts[rows, columns] = sketch.best_tilt()
        foreseen[rows, columns] = sketch.log_mgf(tilts[rows, columns])
    return tilts, foreseen


def _evaluate(margin: Margin, tilt: Tensor, foreseen: Tensor) -> tuple[Tensor, Float]:
    """Return the tilt and the bound there; the tilt is refined on all points if the bound differs from the sketch."""
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
