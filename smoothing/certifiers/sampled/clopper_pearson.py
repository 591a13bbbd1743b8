"""Sampled certificates with Clopper-Pearson bounds."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from smoothing.arguments import at_least, instance
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.sampled.sampled_certifier import (
    ESTIMATION,
    RANDOMISATION,
    Tally,
    TwoSampleCertifier,
    least_draws,
    unanimous,
)
from smoothing.guarantees import Guarantee, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.binomial import log_up, randomised_upper_bound, upper_bound
from smoothing.numerics.random import generator
from smoothing.numerics.rounding import Float, down
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes


class ClopperPearson(TwoSampleCertifier):
    """Selects the class on ``n0`` draws and bounds its vote on ``n`` other draws (Cohen et al. 2019, CERTIFY).

    The majority vote is certified. For label noise this is the sampling procedure of Rosenfeld et al. (2020,
    Algorithm 2).

    Args:
        guarantee: Guarantee that turns the bound into a radius. Default: `NeymanPearson`, which is tight.
        n0: Number of draws that select the class, at least 1.
        n: Number of draws that bound its vote. At least as many as certify unanimous votes: 10 at alpha .001.
        alpha: Failure probability, within (0, 1).
        two_sided: Whether to bound the votes of all rivals as well, each of the K bounds at ``alpha / K`` (THEORY.md
            section 5).
        joint: Number of certificates that hold simultaneously, each at ``alpha / joint`` (union bound).
    """

    def __init__(
        self,
        guarantee: Guarantee | None = None,
        n0: int = 100,
        n: int = 10_000,
        alpha: float = 0.001,
        two_sided: bool = False,
        joint: int = 1,
    ) -> None:
        super().__init__(guarantee, n0, alpha, joint)
        at_least(self, 1, n=n)
        instance(self, bool, two_sided=two_sided)
        self.n = n
        self.two_sided = two_sided
        if reason := self._too_few(2):
            raise ValueError(f"{type(self).__name__}: {reason}")

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        return super().supports(measure, votes) or (self._too_few(votes.num_classes) if self.two_sided else None)

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float:
        """Return the radius of unanimous votes; see `Certifier.reach`."""
        return float(self.guarantee.radius(measure, unanimous(self.n, self._share(num_classes)), shape)[0])

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote. Abstain where the bound does not imply a majority."""
        winner = self.select(ballots)
        counts = ballots.counts(self.n, ESTIMATION).numpy()
        tally = Tally.of(counts, winner)
        return self.bounded(ballots, winner, tally, self._bound(ballots, tally, counts.shape[1]))

    def upper_bound(self, ballots: Ballots, count: NDArray[np.int64], alpha: float) -> Float:
        """Return an upper bound on a probability, ``(batch,)``. It fails with probability at most ``alpha``.

        Args:
            ballots: The batch.
            count: ``(batch,)`` successes among ``n`` draws.
            alpha: Failure probability.
        """
        return upper_bound(count, self.n, alpha)

    def _bound(self, ballots: Ballots, tally: Tally, num_classes: int) -> VoteBound:
        share = self._share(num_classes)
        log_fail = log_up(self.upper_bound(ballots, tally.lost, share))
        if not self.two_sided:
            return VoteBound.one_sided(log_fail)
        return VoteBound(log_fail, np.minimum(log_fail, log_up(self.upper_bound(ballots, tally.n_b, share))))

    def _share(self, num_classes: int) -> float:
        """Return the failure probability of each bound."""
        return down(Fraction(self.level) / num_classes) if self.two_sided else self.level

    def _too_few(self, num_classes: int) -> str | None:
        """Return why every vote would abstain, or None."""
        least = least_draws(self._share(num_classes))
        if self.n >= least:
            return None
        return f"n = {self.n}; must be at least {least} at alpha = {self.level}, since fewer draws certify nothing"


class RandomisedClopperPearson(ClopperPearson):
    """Clopper-Pearson certifier with randomised bounds, which fail with probability ``alpha``, not less.

    Radii are slightly larger. The random number of an example, `uniform`, is a function of the seed and of the
    example, so that it is drawn only once. It can be recovered from the column ``log_fail`` by
    `smoothing.numerics.binomial.uniform_behind`.
    """

    def upper_bound(self, ballots: Ballots, count: NDArray[np.int64], alpha: float) -> Float:
        """Return the randomised bound; see `ClopperPearson.upper_bound`."""
        uniform = np.array([self.uniform(ballots.seed, index) for index in ballots.index.tolist()])
        return randomised_upper_bound(count, self.n, alpha, uniform)

    @staticmethod
    def uniform(seed: int, index: int) -> float:
        """Return the random number of an example, within (0, 1].

        Args:
            seed: Root seed of the run.
            index: Position of the example in its data set.
        """
        source = generator((seed, RANDOMISATION, index))
        return 1 - float(torch.rand((), generator=source, dtype=torch.float64))
