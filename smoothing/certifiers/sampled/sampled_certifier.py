"""Base classes of sampled certifiers."""

from copy import copy
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
from smoothing.certifiers.evaluator import Evaluator
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.binomial import log_up, upper_bound
from smoothing.numerics.rounding import down
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Classes = NDArray[np.int64]

SELECTION, ESTIMATION, RANDOMISATION = range(3)
"""Streams of draws. Selection of the class and estimation of its vote use different ones (THEORY.md section 5)."""

SMALLEST_LEVEL = 1e-200
"""Smallest failure probability of one certificate. The bound of each class gets a part of it."""


@dataclass(frozen=True)
class Tally:
    """Vote counts of a batch.

    Attributes:
        n: ``(batch,)`` int64 number of draws.
        n_a: ``(batch,)`` int64 votes for the winner.
        n_b: ``(batch,)`` int64 votes for its strongest rival.
    """

    n: NDArray[np.int64]
    n_a: NDArray[np.int64]
    n_b: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64], winner: Classes) -> "Tally":
        """Return the tally of counts ``(batch, K)`` for the winner of each row, ``(batch,)``."""
        won = np.arange(counts.shape[1]) == winner[:, None]
        return cls(counts.sum(1), counts[won], np.where(won, -1, counts).max(1))

    @property
    def lost(self) -> NDArray[np.int64]:
        """``(batch,)`` int64 votes for other classes than the winner."""
        return self.n - self.n_a


def unanimous(n: int, level: float) -> VoteBound:
    """Return Clopper and Pearson's bound ``(1,)`` for a winner that gets all of ``n`` draws; it fails at ``level``."""
    return VoteBound.one_sided(log_up(upper_bound(np.zeros(1, np.int64), n, level)))


def least_draws(level: float) -> int:
    """Return the least number of draws that can certify anything at a failure probability of ``level``."""
    return next(n for n in count(1) if unanimous(n, level).leads())


class SampledCertifier(Certifier):
    """Base class of certifiers that sample the majority vote. Certificates fail with probability at most ``alpha``.

    Args:
        alpha: Failure probability, within (0, 1).
        joint: Number of certificates that hold simultaneously with probability ``1 - alpha``, at least 1. Each fails
            with probability at most ``alpha / joint`` (union bound). With 1, ``alpha`` applies to each separately.

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
        """Return why the votes cannot be sampled under the measure, or None; see `Certifier.supports`."""
        return votes.supports(measure)

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return assumptions of the guarantee that depend on the measure, one phrase each."""
        return ()

    def refuses(self, examples: int) -> str | None:
        """Return why the joint claim does not cover so many examples; see `Certifier.refuses`."""
        if 1 < self.joint < examples:
            return f"joint = {self.joint}; must be at least {examples}, the number of requested examples, or 1"
        return None

    def certificates(self, ballots: Ballots, tally: Tally, **columns: Any) -> Certificates:
        """Return certificates of the majority vote at `level`, with their counts.

        Args:
            ballots: The batch.
            tally: Vote counts of the batch.
            columns: The remaining columns of `Certificates`, including prediction and radius.

        Raises:
            ValueError: If the batch alone has more examples than the joint claim covers.
        """
        if refusal := self.refuses(len(ballots.x)):
            raise ValueError(f"{type(self).__name__}: {refusal}")
        together = f"at most {self.joint} examples are requested: all certificates hold at once at alpha {self.alpha}"
        return Certificates(
            classifier="majority",
            deterministic=False,
            sound=ballots.measure.exact_samples,
            assumptions=(
                *ballots.assumptions,
                *self.assumptions_under(ballots.measure),
                *([together] if self.joint > 1 else []),
            ),
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
            alpha=self.level,
            **columns,
        )


class TwoSampleCertifier(SampledCertifier):
    """Base class of certifiers that select the class on one sample and bound its vote on another (THEORY.md section 5).

    Args:
        guarantee: Guarantee that turns the bound into a radius. Default: `NeymanPearson`, which is tight.
        n0: Number of draws that select the class, at least 1.
        alpha: Failure probability, within (0, 1).
        joint: Number of certificates that hold simultaneously; see `SampledCertifier`.
    """

    def __init__(self, guarantee: Guarantee | None, n0: int, alpha: float, joint: int) -> None:
        super().__init__(alpha, joint)
        at_least(self, 1, n0=n0)
        instance(self, (Guarantee, NoneType), guarantee=guarantee)
        self.guarantee = guarantee or NeymanPearson()
        self.n0 = n0

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        return super().supports(measure, votes) or self.guarantee.supports(measure)

    def split(self, measure: SmoothingMeasure) -> dict[str, Evaluator]:
        """Return one certifier for each guarantee of `Guarantee.split`; see `Evaluator.split`."""
        guarantees = self.guarantee.split(measure)
        return {name: self if one is self.guarantee else self._with(one) for name, one in guarantees.items()}

    def _with(self, guarantee: Guarantee) -> "TwoSampleCertifier":
        certifier = copy(self)
        certifier.guarantee = guarantee
        return certifier

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return assumptions of the guarantee; see `SampledCertifier.assumptions_under`."""
        return self.guarantee.assumptions_under(measure)

    def select(self, ballots: Ballots) -> Classes:
        """Return the most frequent class of the selection sample, ``(batch,)``."""
        self.check(ballots)
        return np.asarray(ballots.counts(self.n0, SELECTION).numpy().argmax(1), np.int64)

    def bounded(self, ballots: Ballots, winner: Classes, tally: Tally, bound: VoteBound) -> Certificates:
        """Return the certificates that follow from a vote bound. Abstain where the bound does not imply a majority."""
        ahead = self.guarantee.leads(ballots.measure, bound, ballots.shape)
        return self.certificates(
            ballots,
            tally,
            prediction=np.where(ahead, winner, -1),
            radius=np.where(ahead, self.guarantee.radius(ballots.measure, bound, ballots.shape), 0.0),
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
            n0=self.n0,
        )
