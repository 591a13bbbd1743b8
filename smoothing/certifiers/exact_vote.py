"""The exact certificate of the mean vote, met by an explicit attack."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic import linear_vote_under_channel
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.mean_vote import Whole, mean_scores, rivals, whole_channel
from smoothing.measures.measure import Channel, SmoothingMeasure
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
        channel = measure.channel
        if reason or channel is None:
            return reason
        matrix = small_integers(whole_channel(channel)[0])
        if len(np.unique(matrix)) <= 2:
            return None  # all changes alike: every gain is 0, 1 or 2
        for winner in range(votes.num_classes):
            if (largest := Leads.of(matrix, winner).to_lowest.max()) > LARGEST_GAIN:
                return f"{type(measure).__name__}'s channel has no small common unit: a gain of {largest:.3g}"
        return None

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the mean vote's prediction; it never abstains."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        winner, flips = flips_against(scores, channel)
        return Certificates(
            prediction=winner,
            radius=flips.min(1),
            classifier="mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
        )


def flips_against(scores: Scores, channel: Channel) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What the mean vote predicts, and the most label changes that leave it ahead of each class, whichever they are.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix.

    Returns:
        ``(batch,)`` classes, and ``(batch, K)`` whole numbers, n where no change puts that class ahead; infinite for
        the predicted class itself.
    """
    whole = whole_channel(channel)
    expected, matrix = mean_scores(scores, whole), small_integers(whole[0])
    winner = np.asarray(expected.argmax(1), np.int64)
    leads = {c: Leads.of(matrix, c) for c in np.unique(winner).tolist()}
    weights, labels = scores.weights.numpy(), scores.labels.numpy()
    flips = np.full(expected.shape, np.inf)
    others = rivals(winner, scores.num_classes)

    def work(rows: slice) -> None:
        for row in range(rows.start, min(rows.stop, len(winner))):
            over = leads[winner[row]]
            for rival in others[row]:
                room = over.room(rival, int(expected[row, winner[row]] - expected[row, rival]))
                flips[row, rival] = flips_survived(over.losses(rival, weights[row], labels), room)

    for_each(work, len(winner), ROWS_AT_A_TIME)
    return winner, flips


@dataclass(frozen=True)
class Leads:
    """What labels contribute to the expected lead of a winner over each class.

    Attributes:
        to_lowest: ``(K, K)``, for each class, small whole numbers: what a vote of weight one costs the lead when its
            label changes from this to the one that favours the lead least.
        to_highest: ``(K, K)`` the same for a vote of weight minus one.
        unit: ``(K,)`` whole numbers by which they are to be multiplied to be on the scale of `mean_scores`.
        wins_ties: ``(K,)`` whether the winner precedes that class in the order of ties.
    """

    to_lowest: NDArray[np.float64]
    to_highest: NDArray[np.float64]
    unit: list[int]
    wins_ties: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: Whole | NDArray[np.int64], winner: int) -> "Leads":
        """The expected leads of ``winner`` under a channel in whole numbers, ``(K, K)``."""
        values = (matrix[:, winner, None] - matrix).T
        lowest, highest = values.min(1, keepdims=True), values.max(1, keepdims=True)
        unit = np.gcd.reduce(values - lowest, axis=1, keepdims=True)
        unit[unit == 0] = 1
        to_lowest, to_highest = ((gains // unit).astype(np.float64) for gains in (values - lowest, highest - values))
        return cls(to_lowest, to_highest, [int(u) for u in unit[:, 0]], winner < np.arange(len(matrix)))

    def losses(self, rival: int, weights: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the worst change of each label costs the lead over ``rival``, ``(n,)``, at least 0, in its unit."""
        to_lowest, to_highest = self.to_lowest[rival][labels], self.to_highest[rival][labels]
        return np.asarray(np.maximum(weights * to_lowest, -weights * to_highest))

    def room(self, rival: int, margin: int) -> float:
        """The largest loss, in units of ``unit``, that a lead of ``margin`` on the scale of `mean_scores` survives."""
        unit = self.unit[rival]
        most = margin // unit if self.wins_ties[rival] else -(-margin // unit) - 1
        return float(min(most, 2**53))


def small_integers(matrix: Whole) -> Whole | NDArray[np.int64]:
    """The same numbers in machine words, where their differences fit."""
    return matrix.astype(np.int64) if matrix.max() < 2**62 else matrix


def flips_survived(losses: NDArray[np.float64], room: float) -> float:
    """The most label changes that cost at most ``room`` whichever they are: the largest go first."""
    return float(np.searchsorted(np.sort(losses)[::-1].cumsum(), room, side="right"))
