"""Expected leads of a predicted class over its rivals, and how label changes reduce them (THEORY.md 4.3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.mean_vote import Whole, mean_scores, whole_channel
from smoothing.measures.measure import Channel
from smoothing.votes.labels.linear import SCORE_BITS, Scores

LARGEST_GAIN = 2 ** (52 - SCORE_BITS)
"""Largest whole factor of a weight in a loss, so that float64 sums of losses stay exact."""


@dataclass(frozen=True)
class Leads:
    """Loss of the expected lead over each rival class when one label changes, for several predicted classes.

    Changing a label ``y`` costs a vote of weight ``w > 0`` at most ``w * to_lowest[y]``, and a vote of weight ``w < 0``
    at most ``-w * (span - to_lowest[y])``.

    Attributes:
        to_lowest: ``(winners, K, K)``, by predicted class, rival and label: small whole numbers, the loss of a vote of
            weight one whose label changes to the one that favours the lead least.
        span: ``(winners, K)`` maximum of `to_lowest` over the labels.
        unit: ``(winners, K)`` whole numbers that scale losses to the scale of `mean_scores`.
        wins_ties: ``(winners, K)`` whether the predicted class precedes the rival in the tie order.
    """

    to_lowest: NDArray[np.float64]
    span: NDArray[np.float64]
    unit: Whole
    wins_ties: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: Whole, winners: NDArray[np.int64]) -> "Leads":
        """Return the leads of ``winners``, ``(winners,)``, under a channel in whole numbers, ``(K, K)``."""
        words = matrix.astype(np.int64) if matrix.max() < 2**62 else matrix
        values = words.T[winners, None] - words.T
        values -= values.min(2, keepdims=True)
        unit = np.gcd.reduce(values, axis=2)
        unit[unit == 0] = 1
        to_lowest = (values // unit[:, :, None]).astype(np.float64)
        return cls(to_lowest, to_lowest.max(2), unit, winners[:, None] < np.arange(len(matrix)))

    def room(self, which: NDArray[np.intp], margins: Whole) -> NDArray[np.float64]:
        """Return the largest loss that each lead survives, ``(batch, K)``, in units of `unit`.

        Args:
            which: ``(batch,)`` positions among the predicted classes.
            margins: ``(batch, K)`` leads on the scale of `mean_scores`.
        """
        unit = self.unit[which]
        most = np.where(self.wins_ties[which], margins // unit, -(-margins // unit) - 1)
        return np.minimum(most, 2**53).astype(np.float64)


@dataclass(frozen=True)
class Contest:
    """Predictions of the mean vote on a batch, and the loss that each lead survives.

    Attributes:
        winner: ``(batch,)`` predicted classes.
        leads: Leads of the predicted classes that occur.
        which: ``(batch,)`` position of each prediction in `leads`.
        room: ``(batch, K)`` largest loss that leaves the winner ahead of each class; see `Leads.room`.
    """

    winner: NDArray[np.int64]
    leads: Leads
    which: NDArray[np.intp]
    room: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Scores, channel: Channel) -> "Contest":
        """Return the contest of a batch.

        Args:
            scores: Integer scores of the batch.
            channel: ``(K, K)`` transition matrix.
        """
        whole = whole_channel(channel)
        expected = mean_scores(scores, whole)
        winner = np.asarray(expected.argmax(1), np.int64)
        found, which = np.unique(winner, return_inverse=True)
        leads = Leads.of(whole[0], found)
        return cls(winner, leads, which, leads.room(which, np.take_along_axis(expected, winner[:, None], 1) - expected))
