"""Chernoff's bounds of all rivals at one tilt (THEORY.md 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers.analytic.margin import CACHED, EPS, LARGEST_EXPONENT, factors_within
from smoothing.numerics.rounding import Float
from smoothing.votes.labels.linear import SCORE_BITS


@dataclass(frozen=True)
class SharedTilt:
    """Differences between the rivals' ``K`` at one tilt, under a channel that treats all rivals of a winner alike.

    At the same tilt the terms of two rivals ``k`` and ``r`` differ only in the training points labelled ``k`` or ``r``:
    ``K_k(t) - K_r(t) = (D_k - t b_k) - (D_r - t b_r)``, where ``b`` is the lead in the offsets and ``D_c`` sums
    ``log(E[e^(-t m)] of a rival's label / E[e^(-t m)] of any third label)`` over the points labelled ``c``. One pass
    over the weights gives all ``D``.

    Attributes:
        winner: The winner's class.
        up: Probability that a label other than the winner's becomes the winner's.
        own: Probability that a rival's label is kept.
        other: Probability that a third label becomes the rival's.
        own_same: Probability that a rival's label becomes neither the winner's nor the rival's.
        other_same: Probability that a third label becomes neither.
    """

    winner: int
    up: float
    own: float
    other: float
    own_same: float
    other_same: float

    @classmethod
    def of(cls, channel: NDArray[np.float64], winner: int) -> "SharedTilt | None":
        """Return the shared terms of one winner, or None if the channel does not treat all its rivals alike.

        Args:
            channel: ``(K, K)`` transition matrix, at least three classes.
            winner: The winner's class.
        """
        rest = np.delete(np.arange(len(channel)), winner)
        among = channel[np.ix_(rest, rest)]
        diagonal = np.eye(len(rest), dtype=np.bool_)
        for alike in (channel[winner, rest], channel[rest, winner], among[diagonal], among[~diagonal]):
            if (alike != alike[0]).any():
                return None
        own, other = float(among[0, 0]), float(among[0, 1])
        up = float(channel[rest[0], winner])
        # Sums, not differences from one: small probabilities keep their relative accuracy.
        return cls(winner, up, own, other, other * (len(rest) - 1), own + other * (len(rest) - 2))

    def excess(self, weights: Tensor, starts: Sequence[int], offsets: Tensor, tilt: Tensor, leader: Tensor) -> Tensor:
        """Bound from above how far each rival's ``K`` exceeds the leader's at the same tilt.

        Args:
            weights: ``(rows, n)`` weights, in the order of their labels.
            starts: ``(K+1,)`` first position of each label in that order, then n.
            offsets: ``(rows, K)`` offsets.
            tilt: ``(rows,)`` tilts.
            leader: ``(rows,)`` position of the leader among the rivals in ascending order.

        Returns:
            ``(rows, K-1)`` float64, rivals ascending; infinite where the tilt is 0 or too large for float64.
        """
        classes = [c for c in range(len(starts) - 1) if c != self.winner]
        w, t = weights.numpy(), tilt.numpy()
        with np.errstate(all="ignore"):
            difference = self._differences(w, starts, t)[:, classes]
            difference -= t[:, None] * (offsets[:, self.winner, None] - offsets[:, classes]).numpy()
        # A term errs by a few units of 1 + |t w| + K, being a logarithm of sums of K probabilities; |its value| is at
        # most 2 |t w|. A sum of m logarithms errs by at most m units of the sum of their absolute values.
        size = t * 2.0**SCORE_BITS + 1
        terms, logarithms = w.shape[1], w.shape[1] / self._factors + len(starts)
        error = EPS * (size * (16 + 2 * logarithms) + terms * (2 * len(starts) + 16))
        excess = difference - np.take_along_axis(difference, leader.numpy()[:, None], 1) + error[:, None]
        # The length is at least the largest weight up to rounding.
        suspect = np.flatnonzero(t * np.sqrt(np.einsum("ij,ij->i", w, w)) > LARGEST_EXPONENT)
        far = suspect[t[suspect] * np.abs(w[suspect]).max(1) > LARGEST_EXPONENT] if len(suspect) else suspect
        excess[far] = np.inf
        excess[~((t > 0) & np.isfinite(excess).all(1))] = np.inf
        return torch.from_numpy(excess)

    @property
    def _factors(self) -> int:
        """Number of ratios that share a logarithm.

        A ratio of two sums of non-negative terms is between the least and the largest ratio of their terms, which are
        those of the probabilities.
        """
        pairs = ((self.own, self.other), (self.own_same, self.other_same))
        finite = all(rival > 0 and third > 0 for rival, third in pairs)
        return factors_within(max(abs(log(rival / third)) for rival, third in pairs) / 2 if finite else inf)

    def _differences(self, w: Float, starts: Sequence[int], tilt: Float) -> Float:
        """Return ``D`` of the points of each class, ``(rows, K)``; 0 for the winner.

        Args:
            w: ``(rows, n)`` weights, in the order of their labels.
            starts: ``(K+1,)`` first position of each label in that order, then n.
            tilt: ``(rows,)`` tilts.
        """
        first, sizes = np.array(starts[:-1]), np.diff(starts)
        groups = -(-sizes // self._factors)
        groups[self.winner] = 0
        ends = groups.cumsum()
        # First position of each group of points of one class whose ratios share a logarithm.
        heads = np.repeat(first, groups) + self._factors * (np.arange(ends[-1]) - np.repeat(ends - groups, groups))
        stops = np.minimum(heads + self._factors, np.repeat(first + sizes, groups))
        logs = np.empty((len(w), len(heads)))
        step = max(1, CACHED // self._factors)
        gap = int(ends[self.winner])
        for low in (*range(0, gap, step), *range(gap, len(heads), step)):
            high = min(low + step, gap if low < gap else len(heads))
            start, stop = heads[low], stops[high - 1]
            height = max(1, CACHED // int(stop - start))
            for top in range(0, len(w), height):
                rows = slice(top, top + height)
                ratio = self._ratios(w[rows, start:stop], tilt[rows])
                logs[rows, low:high] = np.multiply.reduceat(ratio, heads[low:high] - start, 1)
        np.log(logs, out=logs)
        found = np.zeros((len(w), len(sizes)))
        present = np.flatnonzero(groups)
        found[:, present] = np.add.reduceat(logs, (ends - groups)[present], 1)
        return found

    def _ratios(self, w: Float, tilt: Float) -> Float:
        """Return the moment of each term with a rival's label over that with a third label, ``(rows, m)``."""
        grown = w * tilt[:, None]
        np.exp(grown, out=grown)
        # Both moments times ``exp(t w)``, in powers of it.
        rival, third = grown * self.own, grown * self.other
        for moment, same in ((rival, self.own_same), (third, self.other_same)):
            moment += same
            moment *= grown
            moment += self.up
        return np.divide(rival, third, out=rival)
