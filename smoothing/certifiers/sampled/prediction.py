"""Predicting without a radius."""

import numpy as np
from scipy.stats import binomtest

from smoothing.arguments import at_least
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, SampledCertifier, Tally
from smoothing.numerics.binomial import ACCURACY
from smoothing.votes.ballots import Ballots


class Prediction(SampledCertifier):
    """Predicts the majority vote, or abstains where it is not sure which that is (Cohen et al. 2019, PREDICT).

    The two most frequent classes are compared by a two-sided binomial test, which holds though they were chosen on the
    same draws (Hung & Fithian 2019). Certified is the prediction itself, at radius 0.

    Args:
        n: Number of draws, at least 1.
        alpha: Failure probability, within (0, 1).
        joint: Number of examples whose predictions are to hold together, each at ``alpha / joint`` (union bound).
    """

    def __init__(self, n: int = 1_000, alpha: float = 0.001, joint: int = 1) -> None:
        super().__init__(alpha, joint)
        at_least(self, 1, n=n)
        self.n = n

    def certify(self, ballots: Ballots) -> Certificates:
        """Predict the majority vote, or abstain."""
        counts = ballots.counts(self.n, ESTIMATION).numpy()
        leader = counts.argmax(1)
        tally = Tally.of(counts, leader)
        pairs = zip(tally.n_a.tolist(), tally.n_b.tolist(), strict=True)
        p_value = np.array([binomtest(a, a + b, 0.5).pvalue for a, b in pairs])
        return self.certificates(
            ballots,
            tally,
            prediction=np.where(p_value * (1 + ACCURACY) <= self.level, leader, -1),
            radius=np.zeros(len(leader)),
        )
