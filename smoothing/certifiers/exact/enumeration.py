"""Certificates from the votes on all versions of an object, without sampling."""

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
    """Counts the votes on all equally likely versions of an object (Levine & Feizi 2021). The counts are exact.

    The prediction is the majority of all versions, the first class in a tie. The certifier never abstains.

    Args:
        guarantee: Guarantee that turns the votes into a radius. Default: `NeymanPearson`, which is tight.
    """

    def __init__(self, guarantee: Guarantee | None = None) -> None:
        instance(self, (Guarantee, NoneType), guarantee=guarantee)
        self.guarantee = guarantee or NeymanPearson()

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        if not isinstance(measure, EnumerableMeasure):
            return f"{type(measure).__name__} has too many versions of an object to enumerate"
        if not isinstance(votes, CensusVotes):
            return f"{type(votes).__name__} cannot count votes on given versions of an object"
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
            sound=ballots.measure.exact_samples,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )
