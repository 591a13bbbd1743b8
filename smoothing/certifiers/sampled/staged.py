"""Sampled certificates with several stages of draws."""

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
    """Samples in stages and stops when a target radius is certified or can no longer be certified.

    Each stage has a Clopper-Pearson bound and a part of the failure probability, fixed beforehand (alpha spending;
    THEORY.md section 5). All bounds hold simultaneously. The certificate is the one of the last stage drawn (for
    smoothing: Chen et al. 2022; Horvath et al. 2022).

    Args:
        target: Target radius, above 0. A larger radius is certified if the bound implies one.
        stages: Total number of draws at the end of each stage, ascending, each at least 1.
        shares: Relative part of ``alpha`` for each stage, above 0. Default: equal parts.
        guarantee: Guarantee that turns the bound into a radius. Default: `NeymanPearson`, which is tight.
        n0: Number of draws that select the class, at least 1.
        alpha: Failure probability, within (0, 1).
        joint: Number of certificates that hold simultaneously, each at ``alpha / joint`` (union bound).
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
        # In fractions, so that the parts sum to at most the whole.
        whole = sum(map(Fraction, given), Fraction(0))
        self.levels = tuple(down(Fraction(self.level) * Fraction(share) / whole) for share in given)
        if min(self.levels) < SMALLEST_LEVEL:
            refuse(self, "shares", list(given), f"such that each part of alpha is at least {SMALLEST_LEVEL}")
        if not any(unanimous(n, level).leads() for n, level in zip(self.stages, self.levels, strict=True)):
            least = least_draws(self.levels[-1])
            refuse(self, "stages", list(stages), f"at least {least} draws at the end, since fewer certify nothing")

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float:
        """Return the largest radius of unanimous votes at any stage; see `Certifier.reach`."""
        bounds = [unanimous(n, level) for n, level in zip(self.stages, self.levels, strict=True)]
        return max(float(self.guarantee.radius(measure, bound, shape)[0]) for bound in bounds if bound.leads())

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote. Abstain where the bound does not imply a majority."""
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
        """Return whether bounds on the log of the lost votes certify the target, ``(batch,)``."""
        radius = self.guarantee.radius(ballots.measure, VoteBound.one_sided(log_fail), ballots.shape)
        return ballots.measure.distance.certified_at(radius, self.target)
