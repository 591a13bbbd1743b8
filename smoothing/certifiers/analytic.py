"""What analytic certifiers of linear votes have in common."""

from abc import abstractmethod

import numpy as np
from torch import Tensor

from smoothing.certificates.certificates import Certificates, Classifier
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.margin import Margin
from smoothing.certifiers.mean_vote import mean_prediction
from smoothing.certifiers.pairwise import pairwise_bounds
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.rounding import Float, step_up
from smoothing.votes.ballots import Ballots
from smoothing.votes.linear import LinearVotes
from smoothing.votes.votes import Votes


def linear_vote_under_channel(measure: SmoothingMeasure, votes: Votes) -> str | None:
    """Why the pair is not a linear vote under independent label noise, or None where it is."""
    if not isinstance(votes, LinearVotes):
        return f"{type(votes).__name__} is not a linear vote"
    if measure.channel is None:
        return f"{type(measure).__name__} has no channel: it does not change labels independently"
    if len(measure.channel) != votes.num_classes:
        return f"{type(measure).__name__} has {len(measure.channel)} classes, the data has {votes.num_classes}"
    return None


class AnalyticCertifier(Certifier):
    """Bounds each rival's chance analytically: no sampling, no failure probability.

    Args:
        guarantee: How the bound becomes a radius; tight unless given.
        classifier: Which smoothed classifier is certified (THEORY.md 4.2). The ``"mean"`` vote needs only the worst
            rival; the ``"majority"`` needs the union of all.
    """

    def __init__(self, guarantee: Guarantee | None = None, classifier: Classifier = "mean") -> None:
        self.guarantee = guarantee or NeymanPearson()
        self.classifier = classifier

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        return linear_vote_under_channel(measure, votes) or self.guarantee.supports(measure)

    @abstractmethod
    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Upper bound on ``log Pr[s_i <= s_i']``, ``(batch,)``.

        Args:
            margin: ``s_i - s_i'`` of each row.
            tilt: ``(batch,)`` nearly best tilts.
            log_mgf: ``(batch,)`` upper bounds on ``K(tilt)``: Chernoff's bound.
        """

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the mean vote's prediction.

        As a statement on the mean vote this never abstains (Rosenfeld et al. 2020, section 4.1): without a certificate
        the radius is 0. On the majority it does, where the bound cannot tell which class that is.
        """
        channel = ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        winner = mean_prediction(ballots.scores, channel)
        caught = pairwise_bounds(ballots.scores, channel, winner, self.log_bound)
        rival = caught.max(1)
        prediction = winner
        bound = VoteBound.one_sided(rival)
        if self.classifier == "majority":
            bound = VoteBound(np.minimum(_log_sum(caught), 0), rival)
            prediction = np.where(bound.leads(), winner, -1)
        return Certificates(
            prediction=prediction,
            radius=self.guarantee.radius(ballots.measure, bound, ballots.shape),
            classifier=self.classifier,
            deterministic=True,
            sound=True,
            assumptions=ballots.votes.assumptions,
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
        )


def _log_sum(log_p: Float) -> Float:
    total = log_p[:, 0]
    for column in log_p.T[1:]:
        total = step_up(np.logaddexp(total, column), 2)
    return total
