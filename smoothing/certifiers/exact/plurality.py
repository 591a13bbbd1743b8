"""Certificates of the plurality vote of learners of parts."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import flips_survived
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.certifiers.exact.parts_certifier import Count, PartsCertifier, lead, power
from smoothing.votes.ballots import Ballots


class Plurality(PartsCertifier):
    """Certifies ``r`` parts iff the winner stays ahead whatever the learners of the worst ``r`` parts predict.

    A label flip, an inserted and a deleted example change one part. An example that is changed in place changes two,
    unless its position determines its part. A learner of that part can reduce the lead over a rival by 2 if it votes
    for the winner, by 0 if it votes for the rival, and by 1 otherwise. Reductions add up, so the parts with the largest
    ones are the worst (Wang et al. 2022). With a spread of 1, half of the lead is certified (Levine & Feizi 2021,
    Theorem 1).
    """

    def elect(self, ballots: Ballots) -> tuple[Count, Count, NDArray[np.float64]]:
        """Elect the class with most votes, the first class in a tie; see `PartsCertifier.elect`."""
        poll = ballots.poll
        winner = np.asarray(poll.tally.argmax(1), np.int64)
        radius = np.empty(len(winner))
        for row, others in enumerate(rivals(winner, poll.num_classes)):
            reach = power(poll.votes[row], poll.reached, winner[row], others)
            radius[row] = flips_survived(reach, lead(poll.tally[row], winner[row], others) - 1).min()
        return winner, poll.tally, radius
