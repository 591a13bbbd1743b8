"""The exact certificate of the mean vote, met by an explicit attack."""

from dataclasses import dataclass
from itertools import permutations
from math import gcd

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic import linear_vote_under_channel
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.mean_vote import Whole, mean_scores, rivals, whole_channel
from smoothing.measures.measure import SmoothingMeasure
from smoothing.threads import for_each
from smoothing.votes.ballots import Ballots
from smoothing.votes.linear import SCORE_BITS
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
        channel = measure.channel
        if reason or channel is None:
            return reason
        matrix, _ = whole_channel(channel)
        if len(np.unique(matrix)) <= 2:
            return None  # all changes alike: every gain is 0, 1 or 2
        pairs = permutations(range(votes.num_classes), 2)
        largest = max(int(lead(matrix, i, j).to_lowest.max()) for i, j in pairs)
        if largest > LARGEST_GAIN:
            return f"{type(measure).__name__}'s channel has no small common unit: gains up to {largest:.3g}"
        return None

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the mean vote's prediction; it never abstains."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        expected = mean_scores(scores, channel)
        winner = np.asarray(expected.argmax(1), np.int64)
        others = rivals(winner, scores.num_classes)
        matrix, _ = whole_channel(channel)
        pairs = {(i, j) for i, rest in zip(winner.tolist(), others.tolist(), strict=True) for j in rest}
        leads = {(i, j): lead(matrix, i, j) for i, j in pairs}
        weights, labels = scores.weights.numpy(), scores.labels.numpy()
        radius = np.full(len(winner), np.inf)

        def work(rows: slice) -> None:
            for row in range(rows.start, min(rows.stop, len(winner))):
                for rival in others[row]:
                    pair = leads[winner[row], rival]
                    margin = int(expected[row, winner[row]] - expected[row, rival])
                    radius[row] = min(radius[row], flips_survived(pair.losses(weights[row], labels), pair.room(margin)))

        for_each(work, len(winner), ROWS_AT_A_TIME)
        return Certificates(
            prediction=winner,
            radius=radius,
            classifier="mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
        )


@dataclass(frozen=True)
class Lead:
    """What labels contribute to the expected lead of a winner over a rival.

    Attributes:
        to_lowest: ``(K,)`` small whole numbers: what a vote of weight one costs the lead when its label changes from
            this to the one that favours the lead least.
        to_highest: ``(K,)`` the same for a vote of weight minus one.
        unit: Whole number by which they are to be multiplied to be on the scale of `mean_scores`.
        wins_ties: Whether the winner precedes the rival in the order of ties.
    """

    to_lowest: NDArray[np.float64]
    to_highest: NDArray[np.float64]
    unit: int
    wins_ties: bool

    def losses(self, weights: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the worst change of each label costs the lead, ``(n,)``, at least 0, in units of ``unit``."""
        return np.asarray(np.maximum(weights * self.to_lowest[labels], -weights * self.to_highest[labels]))

    def room(self, margin: int) -> float:
        """The largest loss, in units of ``unit``, that a lead of ``margin`` on the scale of `mean_scores` survives."""
        most = margin // self.unit if self.wins_ties else -(-margin // self.unit) - 1
        return float(min(most, 2**53))


def lead(matrix: Whole, winner: int, rival: int) -> Lead:
    """The expected lead of ``winner`` over ``rival`` under a channel in whole numbers, ``(K, K)``."""
    values = matrix[:, winner] - matrix[:, rival]
    lowest, highest = values.min(), values.max()
    unit = gcd(*(values - lowest).tolist()) or 1
    to_lowest, to_highest = ((gains // unit).astype(np.float64) for gains in (values - lowest, highest - values))
    return Lead(to_lowest, to_highest, unit, winner < rival)


def flips_survived(losses: NDArray[np.float64], room: float) -> float:
    """The most label changes that cost at most ``room`` whichever they are: the largest go first."""
    return float(np.searchsorted(np.sort(losses)[::-1].cumsum(), room, side="right"))
