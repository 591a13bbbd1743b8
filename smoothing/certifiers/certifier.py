"""Interface of certifiers."""

from abc import abstractmethod
from collections.abc import Sequence

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.evaluator import Evaluator
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots


class Certifier(Evaluator):
    """Base class of certifiers: from votes to certificates (THEORY.md section 1).

    A certifier bounds the votes and obtains the radius from a guarantee, or it computes the radius exactly. A new
    certifier is a subclass with `certify`, and `supports` if it does not support every pair of a measure and votes.
    """

    def check(self, ballots: Ballots) -> None:
        """Raise an error unless the votes of a batch are supported under its measure. `certify` calls this first.

        Raises:
            ValueError: With the reason that `supports` gives.
        """
        if reason := self.supports(ballots.measure, ballots.votes):
            raise ValueError(f"{type(self).__name__}: {reason}")

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float | None:
        """Return the largest radius that the number of draws allows: the radius of unanimous votes.

        No certificate of this certifier under the measure has a larger radius, whatever the votes are.

        Args:
            measure: The smoothing measure.
            shape: Shape of the object that the measure randomises.
            num_classes: Number of classes K, at least 2.

        Returns:
            The radius in units of ``measure.distance``, at least 0. None if the certifier does not sample.
        """
        return None

    @abstractmethod
    def certify(self, ballots: Ballots) -> Certificates:
        """Certify one batch.

        Args:
            ballots: A batch of inputs with a measure and votes.

        Returns:
            Certificates with ``(batch,)`` columns.

        Raises:
            ValueError: If the certifier does not support the votes under the measure.
        """

    def evaluate(self, ballots: Ballots) -> Certificates:
        """Return `certify`."""
        return self.certify(ballots)
