"""What certifiers of learners that are taught by parts of a training set have in common."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates, SmoothedClassifier
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.sampled.sampled_certifier import Tally
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.parts.partitions import Partitions
from smoothing.votes.votes import Votes

Count = NDArray[np.int64]


class PartsCertifier(Certifier):
    """Knows how many flips the learners' election survives: no chance and no bound on a vote.

    Attributes:
        classifier: Which election it is.
    """

    classifier: ClassVar[SmoothedClassifier] = "majority"

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the votes are not those of a partition's learners under a measure that keeps labels, or None."""
        if not isinstance(votes, Partitions):
            return f"{type(votes).__name__} has no parts with learners of their own"
        return votes.supports(measure)

    @abstractmethod
    def elect(self, ballots: Ballots) -> tuple[Count, Count, NDArray[np.float64]]:
        """Hold the elections of a batch.

        Returns:
            Winners ``(batch,)``, counts of the votes that decided ``(batch, K)``, and the most flips ``(batch,)`` that
            leave each winner the winner.
        """

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the winners; it never abstains."""
        self.check(ballots)
        winner, counts, radius = self.elect(ballots)
        tally = Tally.of(counts, winner)
        return Certificates(
            prediction=winner,
            radius=radius,
            classifier=self.classifier,
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )


def lead(tally: Count, winner: int, others: Count) -> Count:
    """How far the count of ``winner`` must fall against each other class's until that is ahead, ``(others,)``.

    Args:
        tally: ``(K,)`` votes.
        winner: A class.
        others: ``(others,)`` classes.
    """
    return np.asarray(tally[winner] - tally[others] + (winner < others))


def power(votes: Count, reached: Count, winner: int, others: Count) -> NDArray[np.float64]:
    """The most that each part can take of the lead of ``winner`` over each other class, ``(others, parts)``.

    A learner that votes for the winner can take 2, one that votes for the other class nothing, any other 1.

    Args:
        votes: ``(learners,)`` classes.
        reached: ``(parts, spread)`` the learners that each part teaches.
        winner: A class.
        others: ``(others,)`` classes.
    """
    losses = 1.0 + (votes == winner) - (votes == others[:, None])
    return np.asarray(losses[:, reached].sum(2))
