"""Certifiers with a defect."""

from smoothing.certificates import Certificates
from smoothing.certifiers import Certifier, ExactVote
from smoothing.votes import Ballots


class Failing(Certifier):
    """Fails at the first batch."""

    def certify(self, ballots: Ballots) -> Certificates:
        raise ValueError("no luck")


class FailingLater(ExactVote):
    """Fails at the third batch."""

    batches = 0

    def certify(self, ballots: Ballots) -> Certificates:
        self.batches += 1
        if self.batches == 3:
            raise ValueError("no luck")
        return super().certify(ballots)
