"""Certificates without chance: all versions of an object are put to the vote."""

from types import NoneType

import numpy as np

from smoothing.arguments import instance
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.sampled.sampled_certifier import Tally
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.enumerable import EnumerableMeasure
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import CensusVotes, Votes


class Enumeration(Certifier):
    """Counts the votes of all equally likely versions (Levine & Feizi 2021): the votes themselves, not a bound.

    It never abstains: the majority of all versions is what it predicts, ties going to the first class.

    Args:
        guarantee: How the votes become a radius; tight unless given.
    """

    def __init__(self, guarantee: Guarantee | None = None) -> None:
        instance(self, (Guarantee, NoneType), guarantee=guarantee)
        self.guarantee = guarantee or NeymanPearson()

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        if not isinstance(measure, EnumerableMeasure):
            return f"{type(measure).__name__} has more versions of an object than can be gone through"
        if not isinstance(votes, CensusVotes):
            return f"{type(votes).__name__} cannot be asked about given versions of an object"
        return votes.supports(measure) or self.guarantee.supports(measure)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority of all versions."""
        self.check(ballots)
        measure, votes = ballots.measure, ballots.votes
        assert isinstance(measure, EnumerableMeasure)
        assert isinstance(votes, CensusVotes)
        counts = votes.census(measure, ballots.x, ballots.index).numpy()
        winner = np.asarray(counts.argmax(1), np.int64)
        tally = Tally.of(counts, winner)
        with np.errstate(divide="ignore"):
            log_fail, log_rival = (np.nextafter(np.log(n / tally.n), np.inf) for n in (tally.lost, tally.n_b))
        bound = VoteBound(np.minimum(log_fail, 0), np.minimum(log_rival, log_fail))
        return Certificates(
            prediction=winner,
            radius=self.guarantee.radius(measure, bound, ballots.shape),
            classifier="majority",
            deterministic=True,
            sound=ballots.exact_samples,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )
