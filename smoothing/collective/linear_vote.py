"""Collective certificates of linear votes."""

from smoothing.certifiers.exact.exact_vote import ExactVote
from smoothing.collective.collective_certifier import CollectiveCertifier
from smoothing.collective.linear import LinearQuestions
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes


class CollectiveVote(CollectiveCertifier):
    """Collective certificates of the mean vote, for every linear vote and every channel (THEORY.md 4.9).

    Answers and their own radii are those of `ExactVote`.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `ExactVote`."""
        return ExactVote().supports(measure, votes)

    def questions(self, ballots: Ballots) -> LinearQuestions:
        """Return answers and gains; see `CollectiveCertifier.questions`."""
        channel = ballots.measure.channel
        assert channel is not None, "supports() was not called"
        return LinearQuestions(ballots.scores, channel)
