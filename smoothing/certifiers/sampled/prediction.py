"""Predictions of the majority vote without a radius."""

from collections.abc import Sequence
from itertools import count

import numpy as np
from scipy.stats import binomtest

from smoothing.arguments import at_least, refuse
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, SampledCertifier, Tally
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.binomial import ACCURACY
from smoothing.votes.ballots import Ballots


class Prediction(SampledCertifier):
    """Predicts the majority vote, or abstains if the draws do not determine it (Cohen et al. 2019, PREDICT).

    The two most frequent classes are compared by a two-sided binomial test. The test is valid although both were
    selected on the same draws (Hung & Fithian 2019). The prediction itself is certified, at radius 0.

    Args:
        n: Number of draws. At least as many as determine unanimous votes: 11 at alpha .001.
        alpha: Failure probability, within (0, 1).
        joint: Number of predictions that hold simultaneously, each at ``alpha / joint`` (union bound).
    """

    def __init__(self, n: int = 1_000, alpha: float = 0.001, joint: int = 1) -> None:
        super().__init__(alpha, joint)
        at_least(self, 1, n=n)
        self.n = n
        if not self._sure(n, n):
            least = next(draws for draws in count(n) if self._sure(draws, draws))
            refuse(self, "n", n, f"at least {least} at alpha = {self.level}, since fewer draws predict nothing")

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float:
        """Return 0: predictions have no radius."""
        return 0.0

    def certify(self, ballots: Ballots) -> Certificates:
        """Predict the majority vote. Abstain where the test does not reject."""
        self.check(ballots)
        counts = ballots.counts(self.n, ESTIMATION).numpy()
        leader = counts.argmax(1)
        tally = Tally.of(counts, leader)
        pairs, row_of = np.unique(np.stack([tally.n_a, tally.n_b], 1), axis=0, return_inverse=True)
        sure = np.array([self._sure(a, a + b) for a, b in pairs.tolist()], bool)[row_of.ravel()]
        return self.certificates(
            ballots,
            tally,
            prediction=np.where(sure, leader, -1),
            radius=np.zeros(len(leader)),
        )

    def _sure(self, won: int, draws: int) -> bool:
        """Return whether the test rejects that a class with ``won`` of ``draws`` votes is no more probable."""
        return bool(binomtest(won, draws, 0.5).pvalue * (1 + ACCURACY) <= self.level)
