"""Predictions of votes that cannot be certified."""

import numpy as np

from smoothing.arguments import at_least
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, Tally
from smoothing.votes.ballots import Ballots


class Empirical(Certifier):
    """Predicts the most frequent class of ``n`` draws and certifies nothing.

    All votes are supported, also those without valid certificates, for example models with a warm start on the
    training set under attack (THEORY.md section 6). The radius is 0, there is no failure probability, and the
    assumptions state the reason.

    Args:
        n: Number of draws, at least 1.

    Raises:
        ValueError: If ``n`` is out of its range.
    """

    def __init__(self, n: int = 100) -> None:
        at_least(self, 1, n=n)
        self.n = n

    def certify(self, ballots: Ballots) -> Certificates:
        """Predict the most frequent class and return the counts."""
        counts = ballots.counts(self.n, ESTIMATION).numpy()
        winner = counts.argmax(1)
        tally = Tally.of(counts, winner)
        why = ballots.votes.supports(ballots.measure)
        return Certificates(
            prediction=winner,
            radius=np.zeros(len(winner)),
            classifier="majority",
            deterministic=False,
            sound=False,
            assumptions=(f"empirical: nothing is certified{f', since {why}' if why else ''}", *ballots.assumptions),
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )
