"""The contract of every certifier: ballots in, certificates out."""

from abc import ABC, abstractmethod

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

    @abstractmethod
    def certify(self, ballots: Ballots) -> Certificates:
        """Certify one batch.

        Args:
            ballots: A batch put to the vote under a measure.

        Returns:
            Certificates with ``(batch,)`` columns.
        """
