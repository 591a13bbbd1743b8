"""Conformance suites for plug-ins, and the referees behind them. Needs pytest.

Subclass a suite, name the class ``Test...`` and give the fixtures that it asks for; pytest does the rest.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.testing.attacked import never_turned_inside, turned
    from smoothing.testing.certifiers import CertifierConformance
    from smoothing.testing.guarantees import GuaranteeConformance
    from smoothing.testing.known_votes import KnownVotes
    from smoothing.testing.learners import LearnerConformance
    from smoothing.testing.measures import MeasureConformance
    from smoothing.testing.poisoned_sets import Universe, bagged_votes, best_gain, changes_stood, retrained_scores
    from smoothing.testing.problems import GivenVotes, ballots_of, random_ballots
    from smoothing.testing.referee import never_above, never_above_the_truth, true_flips_to, true_radii
    from smoothing.testing.retrained_parts import by_plurality, by_run_off, flips_stood, retaught
    from smoothing.testing.votes import LinearVotesConformance, VotesConformance

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "CertifierConformance",
    "GivenVotes",
    "GuaranteeConformance",
    "KnownVotes",
    "LearnerConformance",
    "LinearVotesConformance",
    "MeasureConformance",
    "Universe",
    "VotesConformance",
    "bagged_votes",
    "ballots_of",
    "best_gain",
    "by_plurality",
    "by_run_off",
    "changes_stood",
    "flips_stood",
    "never_above",
    "never_above_the_truth",
    "never_turned_inside",
    "random_ballots",
    "retaught",
    "retrained_scores",
    "true_flips_to",
    "true_radii",
    "turned",
]
