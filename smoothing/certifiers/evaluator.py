"""The contract that certifiers and attacks share: ballots in, rows out."""

from abc import ABC, abstractmethod

from smoothing.certificates.certificates import Attacked, Certificates
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes


class Evaluator(Represented, ABC):
    """Base class of `Certifier` and `Attack`, for code that runs either.

    A new class is a subclass of one of these two, never of this one.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None if it is."""
        return None

    def refuses(self, examples: int) -> str | None:
        """Return why a run may not request so many test examples, or None if it may."""
        return None

    def split(self, measure: SmoothingMeasure) -> "dict[str, Evaluator]":
        """Return evaluators that each give one row of an example, by name. The default is itself, named ``""``."""
        return {"": self}

    @abstractmethod
    def evaluate(self, ballots: Ballots) -> Certificates | Attacked:
        """Return the rows of one batch, with ``(batch,)`` columns."""
