"""The certificate of a plurality among learners of parts."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import flips_survived
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.certifiers.exact.parts_certifier import Count, PartsCertifier, lead, power
from smoothing.votes.ballots import Ballots


class Plurality(PartsCertifier):
    """Certified at ``r`` iff the ``r`` parts that reach most leave the winner ahead, whatever their learners then say.

    One flip touches one part, a learner that votes for the winner costs it 2 of its lead over a rival, one that votes
    for the rival 0, any other 1; changes add up, so the worst parts go first (Wang et al. 2022). With a spread of 1
    this is half of the lead (Levine & Feizi 2021, Theorem 1).
    """

    def elect(self, ballots: Ballots) -> tuple[Count, Count, NDArray[np.float64]]:
        """The class with most votes, the first of equals; see `PartsCertifier.elect`."""
        poll = ballots.poll
        winner = np.asarray(poll.tally.argmax(1), np.int64)
        radius = np.empty(len(winner))
        for row, others in enumerate(rivals(winner, poll.num_classes)):
            reach = power(poll.votes[row], poll.reached, winner[row], others)
            radius[row] = flips_survived(reach, lead(poll.tally[row], winner[row], others) - 1).min()
        return winner, poll.tally, radius
