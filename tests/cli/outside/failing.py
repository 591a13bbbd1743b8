"""A certifier with a defect."""

from smoothing.certificates import Certificates
from smoothing.certifiers import Certifier
from smoothing.votes import Ballots


class Failing(Certifier):
    """Fails at the first batch."""

    def certify(self, ballots: Ballots) -> Certificates:
        raise ValueError("no luck")
