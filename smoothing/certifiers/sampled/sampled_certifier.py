"""What certifiers of sampled votes have in common."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import at_least, inside, instance, refuse
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.binomial import log_up, upper_bound
from smoothing.numerics.rounding import down
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Classes = NDArray[np.int64]

SELECTION, ESTIMATION, RANDOMISATION = range(3)
"""Streams of draws: the class is chosen on one sample and its vote bounded on another (THEORY.md section 5)."""


SMALLEST_LEVEL = 1e-200
"""Smallest failure probability of one certificate. The bound of each class gets a part of it."""


@dataclass(frozen=True)
class Tally:
    """How the draws of a batch fell.

    Attributes:
        n: ``(batch,)`` int64 draws.
        n_a: ``(batch,)`` int64 draws that the winner got.
        n_b: ``(batch,)`` int64 draws that its best rival got.
    """

    n: NDArray[np.int64]
    n_a: NDArray[np.int64]
    n_b: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64], winner: Classes) -> "Tally":
        """Read counts ``(batch, K)`` from the point of view of each row's winner, ``(batch,)``."""
        won = np.arange(counts.shape[1]) == winner[:, None]
        return cls(counts.sum(1), counts[won], np.where(won, -1, counts).max(1))

    @property
    def lost(self) -> NDArray[np.int64]:
        """``(batch,)`` int64 draws that the winner did not get."""
        return self.n - self.n_a


def unanimous(n: int, level: float) -> VoteBound:
    """Return Clopper and Pearson's bound ``(1,)`` for a winner that gets all of ``n`` draws; it fails at ``level``."""
    return VoteBound.one_sided(log_up(upper_bound(np.zeros(1, np.int64), n, level)))


def least_draws(level: float) -> int:
    """Return the least number of draws that can certify anything at a failure probability of ``level``."""
    return next(n for n in count(1) if unanimous(n, level).leads())


class SampledCertifier(Certifier):
    """Speaks of the majority vote from draws, and fails with probability ``alpha`` at most.

    Args:
        alpha: Failure probability, within (0, 1).
        joint: Number of examples whose certificates are to hold together, at least 1. Each gets an equal part of
            ``alpha`` (union bound); 1 makes every certificate a statement of its own.

    Attributes:
        level: Failure probability of one certificate: ``alpha / joint``, rounded down.
    """

    def __init__(self, alpha: float, joint: int) -> None:
        at_least(self, 1, joint=joint)
        inside(self, 0, 1, alpha=alpha)
        self.alpha = alpha
        self.joint = joint
        self.level = down(Fraction(alpha) / joint)
        if self.level < SMALLEST_LEVEL:
            refuse(self, "alpha", alpha, f"at least {SMALLEST_LEVEL} times joint = {joint}")

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the votes cannot be taken under the measure, or None where they can."""
        return votes.supports(measure)

    def refuses(self, examples: int) -> str | None:
        """Return why the joint claim does not cover so many examples; see `Certifier.refuses`."""
        if 1 < self.joint < examples:
            return f"joint = {self.joint}; must be at least {examples}, the number of requested examples, or 1"
        return None

    def certificates(self, ballots: Ballots, tally: Tally, **columns: Any) -> Certificates:
        """Certificates of the majority at `level`, with the counts behind them.

        Args:
            ballots: The batch.
            tally: How its draws fell.
            columns: The remaining columns of `Certificates`, prediction and radius among them.

        Raises:
            ValueError: If the batch alone has more examples than the joint claim covers.
        """
        if refusal := self.refuses(len(ballots.x)):
            raise ValueError(f"{type(self).__name__}: {refusal}")
        together = f"at most {self.joint} examples are asked, whose certificates hold together at alpha {self.alpha}"
        return Certificates(
            classifier="majority",
            deterministic=False,
            sound=ballots.exact_samples,
            assumptions=(*ballots.assumptions, *([together] if self.joint > 1 else [])),
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
            alpha=self.level,
            **columns,
        )


class TwoSampleCertifier(SampledCertifier):
    """Chooses the class on one sample and bounds its vote on another (THEORY.md section 5).

    Args:
        guarantee: How the bound becomes a radius; tight unless given.
        n0: Number of draws that select the class, at least 1.
        alpha: Failure probability, within (0, 1).
        joint: Number of examples whose certificates are to hold together.
    """

    def __init__(self, guarantee: Guarantee | None, n0: int, alpha: float, joint: int) -> None:
        super().__init__(alpha, joint)
        at_least(self, 1, n0=n0)
        instance(self, (Guarantee, NoneType), guarantee=guarantee)
        self.guarantee = guarantee or NeymanPearson()
        self.n0 = n0

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        return super().supports(measure, votes) or self.guarantee.supports(measure)

    def select(self, ballots: Ballots) -> Classes:
        """The most frequent class of the first sample, ``(batch,)``."""
        self.check(ballots)
        return np.asarray(ballots.counts(self.n0, SELECTION).numpy().argmax(1), np.int64)

    def bounded(self, ballots: Ballots, winner: Classes, tally: Tally, bound: VoteBound) -> Certificates:
        """Certify each winner as far as its bound reaches, or abstain where its lead is not sure."""
        ahead = bound.leads()
        return self.certificates(
            ballots,
            tally,
            prediction=np.where(ahead, winner, -1),
            radius=np.where(ahead, self.guarantee.radius(ballots.measure, bound, ballots.shape), 0.0),
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
            n0=self.n0,
        )
