"""Base class of certifiers of learners that are trained on parts of a training set."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates, SmoothedClassifier
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.sampled.sampled_certifier import Tally
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.parts.part_votes import PartVotes
from smoothing.votes.votes import Votes

Count = NDArray[np.int64]


class PartsCertifier(Certifier):
    """Base class of certifiers that compute how many changes of examples cannot change the election of the learners.

    There is no sampling, and no vote probability is bounded. Changes are counted in the distance of the measure: label
    flips, examples that are changed in place, or inserted and deleted examples (THEORY.md section 8).

    Attributes:
        classifier: Smoothed classifier that is certified: majority or run-off.
    """

    classifier: ClassVar[SmoothedClassifier] = "majority"

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; the votes must be `PartVotes`. See `Certifier.supports`."""
        if not isinstance(votes, PartVotes):
            return f"{type(votes).__name__} does not train learners on parts"
        return votes.supports(measure)

    @abstractmethod
    def elect(self, ballots: Ballots) -> tuple[Count, Count, NDArray[np.float64]]:
        """Return winners, vote counts and radii of a batch.

        Returns:
            Winners ``(batch,)``, counts ``(batch, K)`` of the deciding votes, and for each row the largest number of
            parts ``(batch,)`` whose examples may change without changing the winner.
        """

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the winners, without abstention."""
        self.check(ballots)
        winner, counts, parts = self.elect(ballots)
        tally = Tally.of(counts, winner)
        return Certificates(
            prediction=winner,
            radius=parts // ballots.parts_touched,
            classifier=self.classifier,
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )


def lead(tally: Count, winner: int, others: Count) -> Count:
    """Return how many votes the winner must lose relative to each other class before that class wins, ``(others,)``.

    Args:
        tally: ``(K,)`` votes.
        winner: A class.
        others: ``(others,)`` classes.
    """
    return np.asarray(tally[winner] - tally[others] + (winner < others))


def power(votes: Count, reached: Count, winner: int, others: Count) -> NDArray[np.float64]:
    """Return by how much each part can reduce the lead of ``winner`` over each other class, ``(others, parts)``.

    A learner that votes for the winner can reduce the lead by 2, one that votes for the other class by 0, and any other
    learner by 1.

    Args:
        votes: ``(learners,)`` classes.
        reached: ``(parts, spread)`` learners that are trained on each part.
        winner: A class.
        others: ``(others,)`` classes.
    """
    losses = 1.0 + (votes == winner) - (votes == others[:, None])
    return np.asarray(losses[:, reached].sum(2))
