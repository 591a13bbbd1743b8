"""The contract of every certifier: ballots in, certificates out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from smoothing.certificates.certificates import Certificates
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes


class Certifier(Represented, ABC):
    """Bounds a vote and asks a guarantee for the radius, or knows the exact answer (THEORY.md section 1)."""

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why this certifier cannot serve the pair, or None where it can."""
        return None

    def check(self, ballots: Ballots) -> None:
        """Raise if the votes of a batch under its measure cannot be certified; `certify` calls it first.

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
            ballots: A batch put to the vote under a measure.

        Returns:
            Certificates with ``(batch,)`` columns.

        Raises:
            ValueError: If the certifier does not support the votes under the measure.
        """
