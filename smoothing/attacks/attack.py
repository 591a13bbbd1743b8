"""The contract of attacks on a vote: ballots in, upper bounds out."""

from abc import abstractmethod

from smoothing.certificates.certificates import Attacked
from smoothing.certifiers.evaluator import Evaluator
from smoothing.votes.ballots import Ballots


class Attack(Evaluator):
    """Searches for changes that alter predictions. The result is an upper bound on radii, never a certificate.

    A new attack is a subclass with `attack`, and `supports` where it does not support every pair of a measure and
    votes. Configs name attacks among the certifiers of a run.
    """

    @abstractmethod
    def attack(self, ballots: Ballots) -> Attacked:
        """Attack one batch.

        Args:
            ballots: A batch of inputs with a measure and a base function.

        Returns:
            Upper bounds with ``(batch,)`` columns.
        """

    def evaluate(self, ballots: Ballots) -> Attacked:
        """Return `attack`."""
        return self.attack(ballots)
