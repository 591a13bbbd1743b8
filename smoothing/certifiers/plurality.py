"""The certificate of a plurality among learners of parts."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.exact_vote import flips_survived
from smoothing.certifiers.mean_vote import rivals
from smoothing.certifiers.sampled import Tally
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.partitions import Partitions
from smoothing.votes.votes import Votes


class Plurality(Certifier):
    """Certified at ``r`` iff the ``r`` parts that reach most leave the winner ahead, whatever their learners then say.

    One flip touches one part, a learner that votes for the winner costs it 2 of its lead over a rival, one that votes
    for the rival 0, any other 1; changes add up, so the worst parts go first (Wang et al. 2022). With a
    spread of 1 this is half of the lead (Levine & Feizi 2021, Theorem 1).
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        return learners_of_parts(measure, votes)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the class with most votes; it never abstains."""
        poll = ballots.poll
        winner = np.asarray(poll.tally.argmax(1), np.int64)
        tally = Tally.of(poll.tally, winner)
        radius = np.empty(len(winner))
        for row, others in enumerate(rivals(winner, poll.num_classes)):
            reach = power(poll.votes[row], poll.reached, winner[row], others)
            radius[row] = flips_survived(reach, lead(poll.tally[row], winner[row], others) - 1).min()
        return Certificates(
            prediction=winner,
            radius=radius,
            classifier="majority",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )


def learners_of_parts(measure: SmoothingMeasure, votes: Votes) -> str | None:
    """Why the votes are not those of a partition's learners under a measure that keeps labels, or None."""
    if not isinstance(votes, Partitions):
        return f"{type(votes).__name__} has no parts with learners of their own"
    return votes.supports(measure)


def lead(tally: NDArray[np.int64], winner: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
    """How far the count of ``winner`` must fall against each other class's until that is ahead, ``(others,)``.

    Args:
        tally: ``(K,)`` votes.
        winner: A class.
        others: ``(others,)`` classes.
    """
    return np.asarray(tally[winner] - tally[others] + (winner < others))


def power(
    votes: NDArray[np.int64], reached: NDArray[np.int64], winner: int, others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The most that each part can take of the lead of ``winner`` over each other class, ``(others, parts)``.

    Args:
        votes: ``(learners,)`` classes.
        reached: ``(parts, spread)`` the learners that each part teaches.
        winner: A class.
        others: ``(others,)`` classes.
    """
    losses = 1.0 + (votes == winner) - (votes == others[:, None])
    return np.asarray(losses[:, reached].sum(2))
