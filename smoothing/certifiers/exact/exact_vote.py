"""The exact certificate of the mean vote, attained by an explicit attack."""

import numpy as np

from smoothing.arguments import instance
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic.analytic_certifier import linear_vote_under_channel
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.exact.flips import fewest_flips, flips_against
from smoothing.certifiers.exact.leads import LARGEST_GAIN, Leads
from smoothing.certifiers.exact.mean_vote import whole_channel
from smoothing.certifiers.exact.sets import flips_to
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

FEW = 2**12
"""Losses per input below which comparing all rivals at once is faster than skipping some."""


class ExactVote(Certifier):
    """Certify ``r`` iff the ``r`` label changes that cost the winner most leave it ahead (THEORY.md 4.3).

    Changes add up and do not interact, so the best attack makes the largest first: the radius is a lower and an upper
    bound. All arithmetic is on whole numbers, without rounding.

    Args:
        sets: Whether to compute certified sets too: for each class, a lower bound on the number of changes after which
            it is the answer (THEORY.md 4.7). This compares K (K - 1) / 2 groups of
            classes, where the radius compares K - 1 classes at most.
    """

    def __init__(self, sets: bool = False) -> None:
        instance(self, bool, sets=sets)
        self.sets = sets

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair cannot be certified, or None; see `Certifier.supports`."""
        reason = linear_vote_under_channel(measure, votes)
        channel = measure.channel
        if reason or channel is None:
            return reason
        matrix, _ = whole_channel(channel)
        if len(np.unique(matrix)) <= 2:
            return None  # every loss is 0, 1 or 2 times the weight
        for winner in range(votes.num_classes):
            if (largest := Leads.of(matrix, np.array([winner])).span.max()) > LARGEST_GAIN:
                return (
                    f"{type(measure).__name__}'s channel has no small common unit: a label change counts "
                    f"{largest:.3g} units; must be at most {LARGEST_GAIN}: give its probabilities as fractions.Fraction"
                )
        return None

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the prediction of the mean vote; it never abstains."""
        self.check(ballots)
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "check() raises"
        if len(scores.labels) * (scores.num_classes - 1) < FEW:
            winner, against = flips_against(scores, channel)
            flips = against.min(1)
        else:
            winner, flips = fewest_flips(scores, channel)
        return Certificates(
            prediction=winner,
            radius=flips,
            classifier="mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            flips_to=flips_to(scores, channel) if self.sets else None,
        )
