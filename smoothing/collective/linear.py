"""Examples that a linear vote has answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from smoothing.certifiers.exact.flips import fewest_flips
from smoothing.certifiers.exact.leads import Contest
from smoothing.certifiers.exact.mean_vote import mean_prediction
from smoothing.collective.examples import OUTWARD, AnsweredExamples, Float, Sketch, Whole
from smoothing.measures.measure import Channel
from smoothing.numerics.threads import for_each
from smoothing.votes.labels.linear import Scores

SPARSE = 0.1
"""Largest share of weights other than 0 at which only these are processed."""

CHUNK = 2**17
"""Weights processed at a time: few enough to stay in a core's cache."""

Single = NDArray[np.float32]


class LinearExamples(AnsweredExamples):
    """Examples that a linear vote has answered. Places are training labels, targets are their new classes.

    Changing label ``j`` from class ``y`` to class ``c`` lowers the lead over rival ``k`` by ``|w_j|`` times a small
    whole number, at most `Leads.to_lowest`. The gain is the largest such loss among the rivals, in units of the loss
    with which that rival wins: ``|w_j|`` times a rate that depends on ``y``, ``c`` and the sign of the weight only.

    Args:
        scores: Integer scores of the examples.
        channel: ``(K, K)`` transition matrix.

    Attributes:
        weights: Weights, ``(b, n)`` whole numbers.
        labels: Training labels, ``(n,)``.
        contest: Answers, and the loss that each lead survives.
    """

    def __init__(self, scores: Scores, channel: Channel) -> None:
        self.places, self.targets = len(scores.labels), scores.num_classes
        self.weights = scores.weights.numpy()
        self.labels = scores.labels.numpy()
        self.contest = Contest.of(scores, channel)
        self._rates = _rates(self.contest)
        self.prediction = self.contest.winner
        self._scores, self._channel = scores, channel

    @cached_property
    def radius(self) -> Float:  # type: ignore[override]
        """Largest number of label changes that cannot alter each answer, ``(b,)``; computed on first use."""
        return fewest_flips(self._scores, self._channel)[1]

    @cached_property
    def entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Rows and columns of the weights other than 0; None if they are many."""
        if np.count_nonzero(self.weights) > SPARSE * self.weights.size:
            return None
        rows, columns = np.nonzero(self.weights)
        return rows, columns

    def totals(self, multipliers: Whole) -> Whole:
        """Return sums of terms that are rounded up to whole numbers; see `AnsweredExamples.totals`."""
        out = np.zeros((len(multipliers), self.places, self.targets), np.int64)
        # One row of factors per vector: rate times multiplier, by label and target.
        limits = multipliers.astype(np.float64)
        if self.entries is None:
            self._add_dense(limits, out)
        else:
            self._add_sparse(limits, out, *self.entries)
        return out

    def _add_dense(self, limits: Float, out: Whole) -> None:
        width = max(1, CHUNK // max(1, len(self.weights)))
        jobs = [
            (label, members[start : start + width])
            for label, members in self._members
            for start in range(0, len(members), width)
        ]

        def work(some: slice) -> None:
            for label, columns in jobs[some]:
                w = self.weights[:, columns]
                up, down = np.maximum(w, 0), np.maximum(-w, 0) if w.min(initial=0) < 0 else None
                for number, limit in enumerate(limits):
                    active = limit > 0
                    if not active.any():
                        continue
                    for target in range(self.targets):
                        if target == label:
                            continue
                        factor = _factor(self._rates[active, label, target], limit[active])
                        term = up[active] * factor[:, None]
                        if down is not None:
                            term += down[active] * _factor(self._rates[active, target, label], limit[active])[:, None]
                        np.minimum(np.ceil(term, out=term), limit[active, None], out=term)
                        out[number, columns, target] = term.sum(0)

        for_each(work, len(jobs), 1)

    def _add_sparse(self, limits: Float, out: Whole, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        values, labels = self.weights[rows, columns], self.labels[columns]
        size, positive = np.abs(values), values > 0

        def work(some: slice) -> None:
            for target in range(self.targets)[some]:
                upward, downward = self._rates[rows, labels, target], self._rates[rows, target, labels]
                rate = np.where(positive, upward, downward)
                used = np.flatnonzero(rate)
                row, column, rate, weight = rows[used], columns[used], rate[used], size[used]
                for number, limit in enumerate(limits):
                    most = limit[row]
                    term = np.minimum(np.ceil(weight * _factor(rate, most)), most)
                    out[number, :, target] = np.bincount(column, term, self.places)

        for_each(work, self.targets, 1)

    @cached_property
    def _members(self) -> list[tuple[int, NDArray[np.intp]]]:
        """Places of each label."""
        return [(label, np.flatnonzero(self.labels == label)) for label in range(self.targets)]

    def gains(self) -> Float:
        """Return all gains; see `AnsweredExamples.gains`."""
        upward = self._rates[:, self.labels]
        downward = self._rates.transpose(0, 2, 1)[:, self.labels]
        w = self.weights[:, :, None]
        return np.minimum(np.where(w > 0, w * upward, -w * downward), 1)

    def answers(self, labels: Whole) -> Whole:
        """Return the answers, ``(b,)``, of the vote with other training labels ``(n,)``, in whole numbers."""
        scores = Scores(self._scores.weights, self._scores.offsets, torch.from_numpy(labels))
        return mean_prediction(scores, self._channel)

    def size(self) -> int:
        """Return the number of kept weights of an example; see `AnsweredExamples.size`."""
        return self.places if self.entries is None else -(-2 * len(self.entries[0]) // max(1, len(self.weights)))

    def sketch(self, stride: int) -> "LinearSketch":
        """Return weights by label, and rates; see `AnsweredExamples.sketch`."""
        kept = np.arange(0, self.places, stride)
        labels = self.labels[kept]
        # In units of the largest weight, so that float32 holds all products.
        scale = np.maximum(np.abs(self.weights).max(1, initial=1), 1)[:, None]
        w = self.weights[:, kept] / scale
        signed = [np.maximum(w, 0), np.maximum(-w, 0)]

        def store(part: Float) -> "Single | csr_matrix":
            return part.astype(np.float32) if self.entries is None else csr_matrix(part, dtype=np.float32)

        parts = [[store(part[:, labels == label]) for label in range(self.targets)] for part in signed]
        if not signed[1].any():
            parts[1] = [csr_matrix(part.shape, dtype=np.float32) for part in parts[1]]
        rates = (self._rates * scale[:, :, None]).astype(np.float32)
        return LinearSketch(labels, parts[0], parts[1], rates)


def _rates(contest: Contest) -> Float:
    """Return the gain of weight 1, ``(b, K, K)``, by label and new class, of a positive weight.

    Swapped, label and new class give the gain of weight -1.
    """
    lowest = contest.leads.to_lowest
    rates = np.zeros((len(contest.winner), *lowest.shape[1:]))
    for rival in range(lowest.shape[1]):
        needed = np.where(contest.winner == rival, np.inf, contest.room[:, rival] + 1)
        losses = np.maximum(lowest[:, rival, :, None] - lowest[:, rival, None, :], 0)
        np.maximum(rates, losses[contest.which] / needed[:, None, None], out=rates)
    return rates


def _factor(rate: Float, limit: Float) -> Float:
    """Return the product of rates and multipliers, enlarged so that no rounding error makes a term too small."""
    return rate * limit * OUTWARD


@dataclass(frozen=True)
class LinearSketch(Sketch):
    """Weights of a linear vote by label, and rates.

    Attributes:
        labels: Labels of the kept places, ``(places,)``.
        up: Positive parts of the weights of each label, ``(m, places of the label)``, sparse or dense.
        down: Negative parts.
        rates: ``(m, K, K)`` gain of weight 1 by label and new class.
    """

    labels: NDArray[np.int64]
    up: list[Single | csr_matrix]
    down: list[Single | csr_matrix]
    rates: Single

    @classmethod
    def joined(cls, pieces: Sequence["LinearSketch"]) -> "LinearSketch":
        """Return the sketch of all examples; see `Sketch.joined`."""

        def stack(of: Callable[["LinearSketch"], list[Single | csr_matrix]]) -> list[Single | csr_matrix]:
            rows = [of(piece) for piece in pieces]
            return [stacked([row[label] for row in rows]) for label in range(len(rows[0]))]

        first = pieces[0]
        return cls(
            first.labels,
            stack(lambda piece: piece.up),
            stack(lambda piece: piece.down),
            np.concatenate([piece.rates for piece in pieces]),
        )

    def totals(self, multipliers: Float) -> Float:
        """Return the totals, one matrix product per label; see `Sketch.totals`."""
        weighted = self.rates * multipliers.astype(np.float32)[:, None, None]
        out = np.zeros((len(self.labels), self.rates.shape[1]))
        for label, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            out[self.labels == label] = _product(up.T, weighted[:, label]) + _product(down.T, weighted[:, :, label])
        return out

    def sums(self, attack: Float) -> Float:
        """Return the sums, one matrix product per label; see `Sketch.sums`."""
        out = np.zeros(len(self.rates))
        for label, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            chosen = attack[self.labels == label].astype(np.float32)
            out += (_product(up, chosen) * self.rates[:, label]).sum(1)
            out += (_product(down, chosen) * self.rates[:, :, label]).sum(1)
        return out


def stacked(parts: Sequence[Single | csr_matrix]) -> Single | csr_matrix:
    """Return all rows, dense if a part is dense."""
    if any(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate([part if isinstance(part, np.ndarray) else part.toarray() for part in parts])
    return vstack(parts, format="csr")


def _product(matrix: Single | csr_matrix, factor: Single) -> Single:
    if not isinstance(matrix, np.ndarray) and matrix.nnz == 0:
        return np.zeros((matrix.shape[0], factor.shape[1]), np.float32)
    return np.asarray(matrix @ factor)
