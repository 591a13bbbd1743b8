"""Collective certificates of partitions."""

import numpy as np

from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.certifiers.exact.parts_certifier import lead, power
from smoothing.certifiers.exact.plurality import Plurality
from smoothing.certifiers.exact.run_off import Race, RunOff
from smoothing.collective.collective_certifier import CollectiveCertifier
from smoothing.collective.parts import PartExamples
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.parts.part_votes import PartVotes
from smoothing.votes.votes import Votes


class CollectivePlurality(CollectiveCertifier):
    """Collective certificates of the plurality vote of a partition, also with a spread (THEORY.md 4.9).

    Answers and their own radii are those of `Plurality`. The answer changes only if the lead over a rival is closed. A
    part reduces it by as much as all learners that are trained on it can.
    """

    classifier = "majority"

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Plurality`. One change must alter one part."""
        return Plurality().supports(measure, votes) or _alters_more(measure, votes)

    def examples(self, ballots: Ballots) -> PartExamples:
        """Return answers and gains; see `CollectiveCertifier.examples`."""
        poll = ballots.poll
        winner, _, radius = Plurality().elect(ballots)
        conditions = [
            (power(poll.votes[row], poll.reached, winner[row], others), lead(poll.tally[row], winner[row], others))
            for row, others in enumerate(rivals(winner, poll.num_classes))
        ]
        return PartExamples(winner, radius, conditions)


class CollectiveRunOff(CollectiveCertifier):
    """Collective certificates of the run-off election of a partition (THEORY.md 4.9).

    Answers and their own radii are those of `RunOff`. The answer changes only if two classes overtake the winner in the
    first round, or one class enters the second round and wins it. Each of these events needs several leads to be
    closed; the gain counts the one that needs most parts.
    """

    classifier = "run-off"

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `RunOff`. One change must alter one part."""
        return RunOff().supports(measure, votes) or _alters_more(measure, votes)

    def examples(self, ballots: Ballots) -> PartExamples:
        """Return answers and gains; see `CollectiveCertifier.examples`."""
        poll = ballots.poll
        winner, _, radius = RunOff().elect(ballots)
        races = [Race(*row, poll.reached) for row in zip(poll.class_scores, poll.votes, poll.tally, strict=True)]
        return PartExamples(winner, np.asarray(radius, np.float64), [race.conditions() for race in races])


def _alters_more(measure: SmoothingMeasure, votes: Votes) -> str | None:
    """Return why budgets in the distance of a measure are not numbers of parts, or None if they are."""
    touched = votes.partition.touched(measure.distance) if isinstance(votes, PartVotes) else None
    if touched == 1:
        return None
    return (
        f"one of the {measure.distance.unit} alters {touched} parts; must be 1, so that a budget is a number of parts"
    )
