"""Chernoff's bounds of all rivals at one tilt (THEORY.md 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers.analytic.margin import (
    BLOCK,
    EPS,
    LARGEST_EXPONENT,
    factors_within,
    products_of,
    row_sums,
)
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
        largest = torch.maximum(weights.amax(1), -weights.amin(1)) * tilt
        factors = factors_within(float(largest.max()))
        parts = [self._differences(weights[:, starts[c] : starts[c + 1]], tilt, factors) for c in classes]
        lead = offsets[:, self.winner, None] - offsets[:, classes]
        difference = torch.stack(parts, 1) - tilt[:, None] * lead
        # A term errs by a few units of 1 + |t w| + K, being a logarithm of sums of K probabilities; |its value| is at
        # most 2 |t w|. Sums of blocks err by BLOCK + n / BLOCK units of the sum of absolute values.
        size = tilt * 2.0**SCORE_BITS + 1
        terms = weights.shape[1]
        error = EPS * (size * (16 + 2 * (BLOCK + terms / BLOCK)) + terms * (2 * len(starts) + 16))
        excess = difference - difference.gather(1, leader[:, None]) + error[:, None]
        excess[(tilt <= 0) | (largest > LARGEST_EXPONENT)] = torch.inf
        return excess

    def _differences(self, w: Tensor, tilt: Tensor, factors: int) -> Tensor:
        """Return ``D`` of the points of one class, ``(rows,)``, given their weights ``(rows, m)``."""
        grown = w * tilt[:, None]
        with np.errstate(all="ignore"):
            np.exp(grown.numpy(), out=grown.numpy())
        # Both moments times ``exp(t w)``, in powers of it.
        third, rival = (
            torch.add(grown.new_tensor(same), grown, alpha=square).mul_(grown).add_(self.up)
            for same, square in ((self.other_same, self.other), (self.own_same, self.own))
        )
        ratio = products_of(rival.div_(third).numpy(), factors)
        with np.errstate(all="ignore"):
            return row_sums(torch.from_numpy(np.log(ratio)))
