"""The contract of every certifier: ballots in, certificates out."""

from abc import abstractmethod

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.evaluator import Evaluator
from smoothing.votes.ballots import Ballots


class Certifier(Evaluator):
    """Base class of certifiers: they bound a vote and ask a guarantee for the radius, or compute the radius exactly.

    See THEORY.md section 1. A new certifier is a subclass with `certify`, and `supports` if it does not support every
    pair of a measure and votes.
    """

    @abstractmethod
    def certify(self, ballots: Ballots) -> Certificates:
        """Certify one batch.

        Args:
            ballots: A batch of inputs with a measure and a base function.

        Returns:
            Certificates with ``(batch,)`` columns.
        """

    def evaluate(self, ballots: Ballots) -> Certificates:
        """Return `certify`."""
        return self.certify(ballots)
