"""The exact certificate of the mean vote, met by an explicit attack."""

from math import gcd

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic import linear_vote_under_channel
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.mean_vote import mean_scores, rivals, whole_channel
from smoothing.measures.measure import SmoothingMeasure
from smoothing.threads import for_each
from smoothing.votes.ballots import Ballots
from smoothing.votes.linear import SCORE_BITS, Scores
from smoothing.votes.votes import Votes

LARGEST_GAIN = 2 ** (52 - SCORE_BITS)
"""Largest whole number by which a weight may count, so that float64 sums of gains stay exact."""

ROWS_AT_A_TIME = 8


class ExactVote(Certifier):
    """Certified at ``r`` iff the ``r`` label changes that cost the winner most leave it ahead (THEORY.md 4.3).

    Changes add up and do not interact, so the best attack takes the largest first: lower bound = upper bound. All
    arithmetic is on whole numbers, without rounding.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        reason = linear_vote_under_channel(measure, votes)
        if reason or measure.channel is None:
            return reason
        pairs = [(i, j) for i in range(votes.num_classes) for j in range(votes.num_classes) if i != j]
        largest = max(int(np.ptp(_values(measure.channel, i, j)[0])) for i, j in pairs)
        if largest > LARGEST_GAIN:
            return f"{type(measure).__name__}'s channel has no small common unit: gains up to {largest}"
        return None

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the mean vote's prediction; it never abstains."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        expected = mean_scores(scores, channel)
        winner = np.asarray(expected.argmax(1), np.int64)
        radius = np.full(len(winner), np.inf)
        others = rivals(winner, scores.num_classes)

        def work(rows: slice) -> None:
            for row in range(rows.start, min(rows.stop, len(winner))):
                for rival in others[row]:
                    flips = flips_survived(scores, row, channel, int(winner[row]), int(rival), expected[row])
                    radius[row] = min(radius[row], flips)

        for_each(work, len(winner), ROWS_AT_A_TIME)
        return Certificates(
            prediction=winner,
            radius=radius,
            classifier="mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.votes.assumptions,
        )


def flips_survived(
    scores: Scores, row: int, channel: NDArray[np.float64], winner: int, rival: int, expected: NDArray[np.object_]
) -> float:
    """Most label changes that leave ``winner`` ahead of ``rival``, whichever they are.

    Args:
        scores: Integer scores of a batch.
        row: Which example.
        channel: ``(K, K)`` transition matrix.
        winner: The mean vote's class.
        rival: Another class.
        expected: ``(K,)`` whole numbers, the row's `mean_scores`.
    """
    losses, unit = label_losses(scores.weights[row], scores.labels, channel, winner, rival)
    margin = int(expected[winner] - expected[rival])
    most = margin // unit if winner < rival else -(-margin // unit) - 1
    total = losses.sort(descending=True).values.cumsum(0)
    return float((total <= float(min(most, 2**53))).sum())


def label_losses(
    weights: Tensor, labels: Tensor, channel: NDArray[np.float64], winner: int, rival: int
) -> tuple[Tensor, int]:
    """What the worst change of each label costs the winner's expected lead over the rival.

    Args:
        weights: ``(n,)`` whole float64 numbers.
        labels: ``(n,)`` int64.
        channel: ``(K, K)`` transition matrix.
        winner: The mean vote's class.
        rival: Another class.

    Returns:
        ``(n,)`` whole float64 numbers at least 0, and the unit that they share with `mean_scores`.
    """
    values, unit = _values(channel, winner, rival)
    gain_up = torch.from_numpy(np.array(values - values.min(), np.float64))[labels]
    gain_down = torch.from_numpy(np.array(values.max() - values, np.float64))[labels]
    return torch.where(weights > 0, weights * gain_up, -weights * gain_down), unit


def _values(channel: NDArray[np.float64], winner: int, rival: int) -> tuple[NDArray[np.object_], int]:
    """What a vote of weight one adds to the expected lead, by its label: small whole numbers, and their unit."""
    matrix, _ = whole_channel(channel)
    lead = matrix[:, winner] - matrix[:, rival]
    unit = gcd(*lead.tolist()) or 1
    return lead // unit, unit
