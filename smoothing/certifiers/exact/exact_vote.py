"""The exact certificate of the mean vote, met by an explicit attack."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic.analytic_certifier import linear_vote_under_channel
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.exact.mean_vote import Whole, mean_scores, rivals, whole_channel
from smoothing.measures.measure import Channel, SmoothingMeasure
from smoothing.numerics.threads import for_each
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import SCORE_BITS, Scores
from smoothing.votes.votes import Votes

LARGEST_GAIN = 2 ** (52 - SCORE_BITS)
"""Largest whole number by which a weight may count, so that float64 sums of gains stay exact."""

CHUNK = 2**16
"""Weights handled at a time: few enough to stay in a core's cache."""


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
        for winner in range(votes.num_classes):
            if (largest := Leads.of(matrix, np.array([winner])).span.max()) > LARGEST_GAIN:
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
    expected = mean_scores(scores, whole)
    winner = np.asarray(expected.argmax(1), np.int64)
    found, which = np.unique(winner, return_inverse=True)
    leads = Leads.of(whole[0], found)
    room = leads.room(which, np.take_along_axis(expected, winner[:, None], 1) - expected)
    weights, labels = scores.weights.numpy(), scores.labels.numpy()
    flips = np.full(expected.shape, np.inf)

    def work(some: slice) -> None:
        w, rows = weights[some], np.arange(len(winner))[some]
        negative = np.minimum(w, 0)
        for rival in rivals(winner[some], scores.num_classes).T:
            lowest, span = leads.to_lowest[which[some], rival], leads.span[which[some], rival]
            losses = w * lowest[:, labels]
            losses -= negative * span[:, None]
            flips[rows, rival] = flips_survived(losses, room[rows, rival])

    for_each(work, len(winner), max(1, CHUNK // len(labels)))
    return winner, flips


@dataclass(frozen=True)
class Leads:
    """What labels contribute to the expected leads of some winners over each class.

    A change of label costs a vote of weight ``w > 0`` at most ``w to_lowest``, one of ``w < 0`` at most
    ``-w (span - to_lowest)``.

    Attributes:
        to_lowest: ``(winners, K, K)``, for each class and label, small whole numbers: what a vote of weight one costs
            the lead when its label changes from this to the one that favours the lead least.
        span: ``(winners, K)`` the largest of them for each class.
        unit: ``(winners, K)`` whole numbers by which they are to be multiplied to be on the scale of `mean_scores`.
        wins_ties: ``(winners, K)`` whether the winner precedes that class in the order of ties.
    """

    to_lowest: NDArray[np.float64]
    span: NDArray[np.float64]
    unit: Whole
    wins_ties: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: Whole, winners: NDArray[np.int64]) -> "Leads":
        """The expected leads of ``winners`` under a channel in whole numbers, ``(K, K)``."""
        words = matrix.astype(np.int64) if matrix.max() < 2**62 else matrix
        values = words.T[winners, None] - words.T
        values -= values.min(2, keepdims=True)
        unit = np.gcd.reduce(values, axis=2)
        unit[unit == 0] = 1
        to_lowest = (values // unit[:, :, None]).astype(np.float64)
        return cls(to_lowest, to_lowest.max(2), unit, winners[:, None] < np.arange(len(matrix)))

    def room(self, which: NDArray[np.intp], margins: Whole) -> NDArray[np.float64]:
        """The largest loss, in units of ``unit``, that leads on the scale of `mean_scores` survive, ``(batch, K)``.

        Args:
            which: ``(batch,)`` positions among the winners.
            margins: ``(batch, K)`` leads over each class.
        """
        unit = self.unit[which]
        most = np.where(self.wins_ties[which], margins // unit, -(-margins // unit) - 1)
        return np.minimum(most, 2**53).astype(np.float64)


def flips_survived(losses: NDArray[np.float64], room: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """The most changes, ``(rows,)``, that cost at most ``room`` whichever they are: the largest go first.

    Args:
        losses: ``(rows, n)`` what each change costs, at least 0.
        room: ``(rows,)`` what can be lost.
    """
    return np.asarray((np.sort(losses, axis=1)[:, ::-1].cumsum(1) <= room[:, None]).sum(1), np.float64)
