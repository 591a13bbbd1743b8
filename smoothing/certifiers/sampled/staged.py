"""Monte Carlo certificates whose number of draws depends on how the first ones fell."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import at_least, numbers, positive, refuse
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.sampled.sampled_certifier import (
    ESTIMATION,
    SMALLEST_LEVEL,
    Tally,
    TwoSampleCertifier,
    least_draws,
    unanimous,
)
from smoothing.guarantees import Guarantee, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.binomial import log_up, upper_bound
from smoothing.numerics.rounding import down
from smoothing.votes.ballots import Ballots


class Staged(TwoSampleCertifier):
    """Clopper and Pearson's bound after fixed numbers of draws, until a target radius is reached or out of reach.

    The failure probability is shared out among the stages beforehand (alpha spending; THEORY.md section 5), so that
    their bounds hold all together and the certificate is that of the stage at which drawing stopped (for smoothing:
    Chen et al. 2022; Horvath et al. 2022).

    Args:
        target: The radius that is asked for, above 0. Larger ones are certified where the votes allow.
        stages: Numbers of draws in all at the end of each stage, ascending, each at least 1.
        shares: Part of ``alpha`` for each stage, above 0; all alike unless given. They are scaled to sum to one.
        guarantee: How the bound becomes a radius; tight unless given.
        n0: Number of draws that select the class, at least 1.
        alpha: Failure probability, within (0, 1).
        joint: Number of examples whose certificates are to hold together, each at ``alpha / joint`` (union bound).
    """

    def __init__(
        self,
        target: float,
        stages: Sequence[int] = (1_000, 10_000, 100_000),
        shares: Sequence[float] | None = None,
        guarantee: Guarantee | None = None,
        n0: int = 100,
        alpha: float = 0.001,
        joint: int = 1,
    ) -> None:
        super().__init__(guarantee, n0, alpha, joint)
        positive(self, target=target)
        numbers(self, allowed := "ascending numbers of at least 1, at least one", stages=stages)
        for stage in stages:
            at_least(self, 1, stages=stage)
        if not len(stages) or any(before >= now for before, now in pairwise([0, *stages])):
            refuse(self, "stages", list(stages), allowed)
        given = [1.0] * len(stages) if shares is None else shares
        numbers(self, allowed := f"{len(stages)} numbers above 0, one for each stage", shares=given)
        if len(given) != len(stages) or not all(share > 0 for share in given):
            refuse(self, "shares", list(given), allowed)
        self.target = target
        self.stages = tuple(stages)
        self.shares = shares
        # Exactly, so that the parts sum to no more than the whole.
        whole = sum(map(Fraction, given), Fraction(0))
        self.levels = tuple(down(Fraction(self.level) * Fraction(share) / whole) for share in given)
        if min(self.levels) < SMALLEST_LEVEL:
            refuse(self, "shares", list(given), f"such that alpha times each part is at least {SMALLEST_LEVEL}")
        if not any(unanimous(n, level).leads() for n, level in zip(self.stages, self.levels, strict=True)):
            least = least_draws(self.levels[-1])
            refuse(self, "stages", list(stages), f"at least {least} draws at the end, since fewer certify nothing")

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float:
        """Return the largest radius of unanimous votes at any stage; see `Certifier.reach`."""
        bounds = [unanimous(n, level) for n, level in zip(self.stages, self.levels, strict=True)]
        return max(float(self.guarantee.radius(measure, bound, shape)[0]) for bound in bounds if bound.leads())

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote, or abstain where its lead is not sure."""
        winner = self.select(ballots)
        counts = np.zeros((len(winner), ballots.votes.num_classes), np.int64)
        log_fail = np.zeros(len(winner))
        open_ = np.arange(len(winner))
        for (before, now), level in zip(pairwise([0, *self.stages]), self.levels, strict=True):
            counts[open_] += ballots.counts_of(open_, now - before, ESTIMATION, before).numpy()
            won = counts[open_, winner[open_]]
            log_fail[open_] = log_up(upper_bound(now - won, now, level))
            at_best = np.log(np.maximum(1 - upper_bound(won, now, level), np.finfo(np.float64).tiny))
            open_ = open_[~self._covers(ballots, log_fail[open_]) & self._covers(ballots, at_best)]
            if not len(open_):
                break
        return self.bounded(ballots, winner, Tally.of(counts, winner), VoteBound.one_sided(log_fail))

    def _covers(self, ballots: Ballots, log_fail: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether a bound on the votes lost certifies the target."""
        radius = self.guarantee.radius(ballots.measure, VoteBound.one_sided(log_fail), ballots.shape)
        return ballots.measure.distance.certified_at(radius, self.target)
