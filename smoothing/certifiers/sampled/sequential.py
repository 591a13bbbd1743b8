"""Sampled certificates at given radii, with sequential stopping."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import at_least, numbers, refuse
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.sampled.betting import most_lost
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, Tally, TwoSampleCertifier
from smoothing.guarantees import Guarantee
from smoothing.guarantees.limit import log_limit
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

ROUND = 128
"""The number of draws in a round is a multiple of this."""

GROWTH = 16
"""A round is about one ``GROWTH``-th of all draws before it: few rounds, and few unneeded draws."""


@dataclass(frozen=True)
class Thresholds:
    """Counts that certify or refute each radius.

    Attributes:
        radius: ``(radii,)`` smallest certified radii that cover the given ones, ascending.
        log_fail: ``(radii,)`` float64 upper bounds on the log of the lost votes at which each radius is certified.
        most_lost: ``(rounds, radii)`` int64 largest number of lost votes that certifies each radius; -1 if none does.
        most_won: ``(rounds, radii)`` int64 largest number of won votes that refutes each radius; -1 if none does.
    """

    radius: Float
    log_fail: Float
    most_lost: NDArray[np.int64]
    most_won: NDArray[np.int64]


class Sequential(TwoSampleCertifier):
    """Certifies or refutes given radii by a betting confidence sequence (THEORY.md section 5).

    Sampling stops when every radius is certified or refuted, or after ``max_draws`` draws. One confidence sequence
    serves all radii at the full ``alpha`` and is valid at any stopping time. The result is the largest given radius
    that is certified. Undecided radii are not certified. If no radius is certified, the certifier abstains. Include
    radius 0 to certify the prediction itself. A refutation only saves draws. It is wrong with probability at most
    ``alpha``.

    If the distance is strict, the certified radius is the next float64 above the given one, so that changes of exactly
    the given size are covered.

    Args:
        radii: Radii to certify, each at least 0. Whole numbers if the distance of the measure is.
        guarantee: Guarantee that turns the bound into a radius. Default: `NeymanPearson`, which is tight.
        n0: Number of draws that select the class, at least 1.
        max_draws: Largest number of draws. At least as many as certify unanimous votes at radius 0: 11 at alpha .001.
        alpha: Failure probability, within (0, 1).
        joint: Number of certificates that hold simultaneously, each at ``alpha / joint`` (union bound).
    """

    def __init__(
        self,
        radii: Sequence[float],
        guarantee: Guarantee | None = None,
        n0: int = 100,
        max_draws: int = 100_000,
        alpha: float = 0.001,
        joint: int = 1,
    ) -> None:
        super().__init__(guarantee, n0, alpha, joint)
        at_least(self, 1, max_draws=max_draws)
        numbers(self, allowed := "finite and at least 0, at least one", radii=radii)
        if not len(radii) or not all(radius >= 0 for radius in radii):
            refuse(self, "radii", list(radii), allowed)
        self.radii = sorted(set(radii))
        self.max_draws = max_draws
        self.rounds = rounds(max_draws)
        if not self._may_certify(max_draws):
            least = next(draws for draws in count(max_draws) if self._may_certify(draws))
            refuse(self, "max_draws", max_draws, f"at least {least} at alpha = {self.level}; fewer certify nothing")
        self._of: tuple[SmoothingMeasure, tuple[int, ...], Thresholds] | None = None

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        if measure.distance.integer and not all(float(radius).is_integer() for radius in self.radii):
            return f"radii = {self.radii}; must be whole numbers of {measure.distance.unit}"
        return super().supports(measure, votes)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the majority vote at the given radii. Abstain where none is certified."""
        winner = self.select(ballots)
        thresholds = self.thresholds(ballots.measure, ballots.shape)
        counts = np.zeros((len(winner), ballots.votes.num_classes), np.int64)
        certified = np.zeros(len(winner), np.int64)
        possible = np.full(len(winner), len(self.radii))
        open_ = np.arange(len(winner))
        for number, (before, now) in enumerate(pairwise([0, *self.rounds])):
            counts[open_] += ballots.counts_of(open_, now - before, ESTIMATION, before).numpy()
            won = counts[open_, winner[open_]][:, None]
            certified[open_] = np.maximum(certified[open_], (now - won <= thresholds.most_lost[number]).sum(1))
            possible[open_] = np.minimum(possible[open_], (won > thresholds.most_won[number]).sum(1))
            open_ = open_[certified[open_] < possible[open_]]
            if not len(open_):
                break
        log_fail = np.concatenate([[0.0], thresholds.log_fail])[certified]
        return self.certificates(
            ballots,
            Tally.of(counts, winner),
            prediction=np.where(certified > 0, winner, -1),
            radius=np.concatenate([[0.0], thresholds.radius])[certified],
            log_fail=log_fail,
            log_rival=log_fail,
            n0=self.n0,
        )

    def reach(self, measure: SmoothingMeasure, shape: Sequence[int], num_classes: int = 2) -> float:
        """Return the largest given radius at which unanimous votes are certified, or 0; see `Certifier.reach`."""
        thresholds = self.thresholds(measure, shape)
        return float(np.max(thresholds.radius, where=thresholds.most_lost[-1] >= 0, initial=0.0))

    def _may_certify(self, max_draws: int) -> bool:
        """Return whether ``max_draws`` unanimous draws refute that half of all votes are lost."""
        return bool(most_lost(np.array([max_draws]), 0.5, self.level, max_draws)[0] >= 0)

    def thresholds(self, measure: SmoothingMeasure, shape: Sequence[int]) -> Thresholds:
        """Return the counts that certify or refute each radius after each round; cached for one measure and shape."""
        if self._of is None or self._of[0] is not measure or self._of[1] != tuple(shape):
            self._of = measure, tuple(shape), self._compute(measure, shape)
        return self._of[2]

    def _compute(self, measure: SmoothingMeasure, shape: Sequence[int]) -> Thresholds:
        radius = [measure.distance.covering(radius) for radius in self.radii]
        log_fail = np.array([log_limit(self.guarantee, measure, r, shape) for r in radius])
        draws = np.array(self.rounds)
        # Rounded down: a bound below this f is stricter than the guarantee requires.
        shares = np.nextafter(np.exp(log_fail), 0)
        lost = np.stack([most_lost(draws, f, self.level, self.max_draws) for f in shares], 1)
        won = np.stack([most_lost(draws, 1 - f, self.level, self.max_draws) for f in shares], 1)
        # A radius is certified only together with all smaller ones, and refuted together with all larger ones. Radii
        # that no count can certify are refuted at once.
        out_of_reach = lost[-1] < 0
        return Thresholds(
            radius=np.array(radius),
            log_fail=log_fail,
            most_lost=np.minimum.accumulate(lost, 1),
            most_won=np.maximum.accumulate(np.where(out_of_reach, draws[:, None], won), 1),
        )


def rounds(max_draws: int) -> list[int]:
    """Return the numbers of draws after which the counts are evaluated, ascending. The last is ``max_draws``."""
    ends = [0]
    while ends[-1] < max_draws:
        size = ROUND * max(1, round(ends[-1] / (GROWTH * ROUND)))
        ends.append(min(ends[-1] + size, max_draws))
    return ends[1:]
