"""Monte Carlo certificates with Clopper-Pearson bounds."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.rounding import Float
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

OUTWARD = 1e-13
"""Relative step outward: SciPy's quantile may err either way by a few units in the last place (THEORY.md section 3)."""

SELECTION, ESTIMATION = 0, 1
"""Streams of draws: the class is chosen on one sample and its vote bounded on another (THEORY.md section 5)."""


def upper_bound(count: NDArray[np.int64], n: int, alpha: float) -> Float:
    """One-sided Clopper-Pearson upper bound on a probability, rounded up.

    Args:
        count: Successes among ``n`` draws, any shape, within ``0 .. n``.
        n: Number of draws, at least 1.
        alpha: Failure probability, within (0, 1).

    Returns:
        Float64 of the shape of ``count``, at most 1.
    """
    count = np.asarray(count)
    all_won = count >= n
    bound = beta.isf(alpha, np.where(all_won, 1, count + 1), np.where(all_won, 1, n - count))
    return np.where(all_won, 1.0, np.minimum(bound * (1 + OUTWARD), 1.0))


class ClopperPearson(Certifier):
    """Chooses the class on ``n0`` draws and bounds its vote on ``n`` others (Cohen et al. 2019, CERTIFY).

    For label noise this is the sampled procedure of Rosenfeld et al. (2020, Algorithm 2). It speaks of the majority.

    Args:
        guarantee: How the bound becomes a radius; tight unless given.
        n0: Number of draws that select the class, at least 1.
        n: Number of draws that bound its vote, at least 1.
        alpha: Failure probability of each certificate, within (0, 1).
        two_sided: Whether to bound every rival too, each of the K bounds at ``alpha / K`` (THEORY.md section 5).
    """

    def __init__(
        self,
        guarantee: Guarantee | None = None,
        n0: int = 100,
        n: int = 10_000,
        alpha: float = 0.001,
        two_sided: bool = False,
    ) -> None:
        for name, value in (("n0", n0), ("n", n)):
            if value < 1:
                raise ValueError(f"ClopperPearson: {name} = {value}; must be at least 1")
        if not 0 < alpha < 1:
            raise ValueError(f"ClopperPearson: alpha = {alpha}; must be within (0, 1)")
        self.guarantee = guarantee or NeymanPearson()
        self.n0 = n0
        self.n = n
        self.alpha = alpha
        self.two_sided = two_sided

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the guarantee cannot serve the measure, or None; any votes will do."""
        return self.guarantee.supports(measure)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote, or abstain where its lead is not sure."""
        selected = ballots.counts(self.n0, SELECTION).numpy()
        counts = ballots.counts(self.n, ESTIMATION).numpy()
        winner = selected.argmax(1)
        rows = np.arange(len(winner))
        n_a = counts[rows, winner]
        others = np.where(np.arange(counts.shape[1]) == winner[:, None], -1, counts)
        n_b = others.max(1)
        bound = self._bound(n_a, n_b, counts.shape[1])
        ahead = bound.leads()
        radius = self.guarantee.radius(ballots.measure, bound, ballots.shape)
        return Certificates(
            prediction=np.where(ahead, winner, -1),
            radius=np.where(ahead, radius, 0.0),
            classifier="majority",
            deterministic=False,
            sound=True,
            assumptions=ballots.votes.assumptions,
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
            n_a=n_a,
            n_b=n_b,
            n=self.n,
            n0=self.n0,
            alpha=self.alpha,
        )

    def _bound(self, n_a: NDArray[np.int64], n_b: NDArray[np.int64], num_classes: int) -> VoteBound:
        share = self.alpha / num_classes if self.two_sided else self.alpha
        log_fail = np.nextafter(np.log(upper_bound(self.n - n_a, self.n, share)), np.inf)
        if not self.two_sided:
            return VoteBound.one_sided(log_fail)
        log_rival = np.nextafter(np.log(upper_bound(n_b, self.n, share)), np.inf)
        return VoteBound(log_fail, np.minimum(log_fail, log_rival))
