"""Base class of the analytic certifiers of linear votes."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.analytic.margin import Margin
from smoothing.certifiers.analytic.pairwise import pairwise_bounds
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.exact.mean_vote import mean_prediction, real_channel
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import EPSILON, Float, step_up
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.votes import Votes

INVISIBLE = 40.0
"""A probability that is smaller than another by this factor, as a logarithm, leaves their sum in float64 unchanged."""


def linear_vote_under_channel(measure: SmoothingMeasure, votes: Votes) -> str | None:
    """Return why the pair is not a linear vote under independent label noise, or None if it is."""
    if not isinstance(votes, LinearVotes):
        return f"{type(votes).__name__} is not a linear vote"
    if measure.channel is None:
        return f"{type(measure).__name__} has no channel: it does not change labels independently"
    return votes.supports(measure)


class AnalyticCertifier(Certifier):
    """Bound the probability of each rival by a formula, and certify the majority by a union bound (THEORY.md 4.2).

    Nothing is sampled, so there is no failure probability.

    Args:
        guarantee: Turns the bound into a radius. Default: `NeymanPearson`, which is tight.
    """

    def __init__(self, guarantee: Guarantee | None = None) -> None:
        self.guarantee = guarantee or NeymanPearson()

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        return linear_vote_under_channel(measure, votes) or self.guarantee.supports(measure)

    @abstractmethod
    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Return an upper bound on ``log Pr[s_i <= s_i']``, ``(batch,)``.

        Args:
            margin: ``s_i - s_i'`` of each row.
            tilt: ``(batch,)`` nearly optimal tilts.
            log_mgf: ``(batch,)`` upper bounds on ``K(tilt)``: Chernoff's bound.
        """

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote. Abstain if the bounds do not determine its class."""
        winner, caught = self.bounds(ballots)
        bound = VoteBound(np.minimum(log_sum(caught), 0), caught.max(1))
        return Certificates(
            prediction=np.where(bound.leads(), winner, -1),
            radius=self.guarantee.radius(ballots.measure, bound, ballots.shape),
            classifier="majority",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
        )

    def bounds(self, ballots: Ballots, spare: float = INVISIBLE) -> tuple[NDArray[np.int64], Float]:
        """Return the mean vote's class, ``(batch,)``, and `log_bound` for each of its rivals, ``(batch, K-1)``.

        Args:
            ballots: A batch of ballots.
            spare: How far below the largest bound another need not be tight; see `pairwise_bounds`.
        """
        self.check(ballots)
        channel = ballots.measure.channel
        assert channel is not None, "check() raises"
        winner = mean_prediction(ballots.scores, channel)
        return winner, pairwise_bounds(ballots.scores, real_channel(channel), winner, self.log_bound, spare)


def log_sum(log_p: Float) -> Float:
    """Return an upper bound on the log of the sum of each row of probabilities, ``(batch, parts)`` to ``(batch,)``."""
    total = log_p[:, 0]
    for column in log_p.T[1:]:
        # If the sum is nearly 1, its logarithm is much smaller than the rounding errors of its terms.
        total = step_up(np.logaddexp(total, column) + 2 * EPSILON, 2)
    return total
