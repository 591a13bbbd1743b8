"""Collective certificates of linear votes."""

from smoothing.certifiers.exact.exact_vote import ExactVote
from smoothing.collective.collective_certifier import CollectiveCertifier
from smoothing.collective.linear import LinearExamples
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

    def examples(self, ballots: Ballots) -> LinearExamples:
        """Return answers and gains; see `CollectiveCertifier.examples`."""
        channel = ballots.measure.channel
        assert channel is not None, "supports() was not called"
        return LinearExamples(ballots.scores, channel)
