"""What votes say where nothing can be certified."""

import numpy as np

from smoothing.arguments import at_least
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, Tally
from smoothing.votes.ballots import Ballots


class Empirical(Certifier):
    """Predicts the most frequent class of some draws, and certifies nothing.

    It serves any votes, those included whose certificates are void, such as models with a warm start on the training
    set under attack (THEORY.md section 6). Its rows have radius 0 and no failure probability, and say why.

    Args:
        n: Number of draws, at least 1.

    Raises:
        ValueError: If it is not.
    """

    def __init__(self, n: int = 100) -> None:
        at_least(self, 1, n=n)
        self.n = n

    def certify(self, ballots: Ballots) -> Certificates:
        """Predict, with the counts behind it."""
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
