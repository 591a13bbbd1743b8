"""Sums of independent privacy losses on one lattice, computed as a random walk."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from smoothing.numerics.rounding import UNIT, WIDE, down, step_up, wide
from smoothing.privacy_loss.profile import Profile
from smoothing.privacy_loss.step import Step, log_of

Wide = NDArray[np.longdouble]

NEGLIGIBLE = WIDE(1e-27)
"""Probabilities below this at the edges of a law are dropped, and their sum is counted in favour of the adversary."""

BLOCK = 512
"""Laws at multiples of this number of steps are cached. Other laws are computed from them step by step."""

STEPWISE = 32 * BLOCK
"""Up to this number of steps, laws are computed step by step. Beyond it, laws of powers of two are convolved."""

SNAPSHOTS = 16
"""Largest number of cached laws beyond `STEPWISE`."""


@dataclass(frozen=True)
class Law:
    """The walk after some steps, under ``rho``.

    Attributes:
        lowest: Position of the first probability.
        p: Probabilities of ``lowest, lowest + 1, ...``. Their relative error is at most ``error``, except that
            probability counted in ``lost`` is missing.
        lost: Upper bound on the probability missing in ``p``.
        error: Bound on the relative error of ``p``.
    """

    lowest: int
    p: Wide
    lost: np.longdouble
    error: np.longdouble

    def beside(self, other: "Law") -> "Law":
        """Return the law of the sum of this walk and an independent walk.

        A probability of the sum adds at most ``m`` products, where ``m`` is the length of the shorter law. Every
        product and every addition is rounded once.
        """
        p = np.convolve(self.p, other.p)
        kept = min(self.p.sum() * (1 + self.error), WIDE(1))
        error = self.error + other.error + (min(len(self.p), len(other.p)) + 4) * UNIT
        return trimmed(self.lowest + other.lowest, p, self.lost + kept * other.lost, error)

    def above(self) -> Wide:
        """Return upper bounds on the probability above each position, from ``lowest - 1`` on."""
        tails = np.concatenate([self.p[::-1].cumsum()[::-1], [WIDE(0)]])
        return np.asarray(tails * (1 + self.error + len(tails) * UNIT) + self.lost)


def trimmed(lowest: int, p: Wide, lost: np.longdouble, error: np.longdouble) -> Law:
    """Return a law without negligible edges. Their probability is added to ``lost``."""
    alive = np.flatnonzero(p >= NEGLIGIBLE)
    first, end = (int(alive[0]), int(alive[-1]) + 1) if len(alive) else (0, 0)
    dropped = (p[:first].sum() + p[end:].sum()) * (1 + error)
    return Law(lowest + first, p[first:end], (lost + dropped) * (1 + 4 * UNIT), error)


NOTHING = Law(0, np.ones(1, WIDE), WIDE(0), WIDE(0))
"""Law before the first step."""


@dataclass(frozen=True)
class ExactLaw:
    """The walk after some steps, under ``rho``, in whole numbers.

    Attributes:
        p: Probabilities of the positions from 0, multiplied by ``total``.
        total: Common denominator.
        base: Likelihood ratio at position 0.
    """

    p: list[int]
    total: int
    base: Fraction


class RandomWalk:
    """The random walk with the privacy losses of i.i.d. coordinates as steps.

    Args:
        step: Law of one step.
        before: Walk that this walk continues, or None.
        start: Number of steps of ``before``.

    Raises:
        ValueError: If the two walks lie on different lattices.

    Attributes:
        lattice: Likelihood ratio of one unit, above 1; None if all positions are 0.
        ratio: The same; any number above 1 if ``lattice`` is None.
        exact: Whether all losses lie on the lattice, so that none is split.
    """

    def __init__(self, step: Step, before: "RandomWalk | None" = None, start: int = 0) -> None:
        ratios = {ratio for ratio in (step.ratio, before.lattice if before else None) if ratio}
        if len(ratios) > 1:
            shown = " and ".join(str(float(ratio)) for ratio in sorted(ratios))
            raise ValueError(f"RepeatedLoss: units of likelihood = {shown}; must be equal for losses that are combined")
        self.lattice: Fraction | None = ratios.pop() if ratios else None
        self.ratio = self.lattice or Fraction(2)
        self._unit = log_of(self.ratio)
        self.exact: bool = step.exact and (before is None or before.exact)
        self._step, self._log_base = step, log_of(step.base)
        self._before, self._start = before, start
        self._first = before.law(start) if before else NOTHING
        self._blocks = [self._first]
        self._powers: list[Law] = []
        self._far: dict[int, Law] = {}
        self._last = 0, self._first
        self._thresholds: dict[int, float] = {}
        self._exact: list[ExactLaw] = []

    def log_threshold(self, steps: int) -> float:
        """Return a lower bound on ``log f`` with ``G(f) = 1/2`` after ``steps`` steps."""
        if steps not in self._thresholds:
            self._thresholds[steps] = self._read_threshold(self.law(steps), steps)
        return self._thresholds[steps]

    def profile(self, steps: int) -> Profile:
        """Return the hockey-stick curve after ``steps`` steps."""
        return _profile(self, steps)

    def law(self, steps: int) -> Law:
        """Return the law after ``steps`` steps. Its bits do not depend on earlier calls."""
        made, law = self._last
        if not (made <= steps and made // BLOCK == steps // BLOCK):
            made, law = steps - steps % BLOCK, self._block(steps // BLOCK)
        for _ in range(steps - made):
            law = self._advance(law)
        self._last = steps, law
        return law

    def loss(self, position: NDArray[np.int_], steps: int) -> tuple[Wide, Wide]:
        """Return the privacy loss at positions after ``steps`` steps, and a bound on its rounding error."""
        base, size = self._base(steps)
        climbed = position * self._unit
        return base + climbed, 8 * UNIT * (size + abs(climbed))

    def kl(self, steps: int) -> np.longdouble:
        """Return an upper bound on the mean loss under ``rho``; infinity if outcomes reveal the change."""
        before = self._before.kl(self._start) if self._before else WIDE(0)
        if not steps:
            return before
        if self._step.sure:
            return WIDE(np.inf)
        climbed = self._climbed
        return before + steps * (self._log_base + climbed + 8 * UNIT * (abs(self._log_base) + climbed))

    @cached_property
    def _climbed(self) -> np.longdouble:
        """Mean loss of one step, above the loss at position 0."""
        return wide(sum((k * p for k, p in enumerate(self._step.p)), Fraction(0))) * self._unit

    def exact_threshold(self, steps: int) -> Fraction:
        """Return ``f`` with ``G(f) = 1/2`` after ``steps`` steps, in rational arithmetic."""
        law = self._exact_law(steps)
        wanted, mass = Fraction(law.total, 2) - (law.total - sum(law.p)), Fraction(0)
        for position in range(len(law.p) - 1, -1, -1):
            if wanted <= 0:
                break
            mass += min(Fraction(law.p[position]), wanted) / (law.base * self.ratio**position)
            wanted -= law.p[position]
        return mass / law.total

    def _base(self, steps: int) -> tuple[np.longdouble, np.longdouble]:
        """Return the loss at position 0, and the sum of the absolute values of its terms."""
        base, size = self._before._base(self._start) if self._before else (WIDE(0), WIDE(0))
        return base + steps * self._log_base, size + steps * abs(self._log_base)

    def _exact_law(self, steps: int) -> ExactLaw:
        if not self._exact:
            nothing = ExactLaw([1], 1, Fraction(1))
            self._exact.append(self._before._exact_law(self._start) if self._before else nothing)
        whole = int(np.lcm.reduce([p.denominator for p in self._step.p], dtype=object))
        kernel = [int(p * whole) for p in self._step.p]
        while len(self._exact) <= steps:
            law = self._exact[-1]
            self._exact.append(ExactLaw(_convolve(law.p, kernel), law.total * whole, law.base * self._step.base))
        return self._exact[steps]

    def _block(self, number: int) -> Law:
        """Return the law after ``number * BLOCK`` steps."""
        while len(self._blocks) <= min(number, STEPWISE // BLOCK):
            law = self._blocks[-1]
            for _ in range(BLOCK):
                law = self._advance(law)
            self._blocks.append(law)
        if number < len(self._blocks):
            return self._blocks[number]
        if number not in self._far:
            law, bit = self._first, 0
            while number >> bit:
                if number >> bit & 1:
                    law = law.beside(self._power(bit))
                bit += 1
            if len(self._far) >= SNAPSHOTS:
                del self._far[next(iter(self._far))]
            self._far[number] = law
        return self._far[number]

    def _power(self, exponent: int) -> Law:
        """Return the law of ``2^exponent * BLOCK`` steps of this walk alone, without ``before``."""
        if not self._powers:
            law = NOTHING
            for _ in range(BLOCK):
                law = self._advance(law)
            self._powers.append(law)
        while len(self._powers) <= exponent:
            self._powers.append(self._powers[-1].beside(self._powers[-1]))
        return self._powers[exponent]

    def _advance(self, law: Law) -> Law:
        p = np.zeros(len(law.p) + len(self._step.p) - 1, WIDE)
        for shift, probability in enumerate(self._step.p):
            if probability:
                p[shift : shift + len(law.p)] += wide(probability) * law.p
        error = law.error + (len(self._step.p) + 4) * UNIT
        sure = wide(self._step.sure) * law.p.sum() * (1 + error)
        return trimmed(law.lowest, p, law.lost + sure, error)

    def _read_threshold(self, law: Law, steps: int) -> float:
        above = law.above()
        if above[-1] >= 0.5:
            return -np.inf
        start = int(np.argmax(above <= 0.5))
        higher = law.p[start:]
        powers = np.exp(-self._unit * np.arange(1, len(higher) + 1))
        mass = (higher @ powers) * (1 - law.error - 2 * len(powers) * (1 + self._unit) * UNIT)
        room = WIDE(0.5) - (above[start] - mass)
        loss, error = self.loss(np.array(law.lowest - 1 + start), steps)
        return down(np.log(room) - loss - error - 8 * UNIT * (1 + abs(np.log(room))))


@lru_cache(maxsize=128)
def _profile(walk: RandomWalk, steps: int) -> Profile:
    law = walk.law(steps)
    above = law.above()
    mass = np.zeros(len(above), WIDE)
    shrink = 1 / wide(walk.ratio)
    for i in range(len(mass) - 1, 0, -1):
        mass[i - 1] = (law.p[i - 1] + mass[i]) * shrink
    mass *= 1 - law.error - 8 * len(mass) * UNIT
    loss, error = walk.loss(law.lowest - 1 + np.arange(len(above)), steps)
    with np.errstate(divide="ignore"):
        log_mass = np.log(mass) - loss
    return Profile(
        log_slope=step_up((loss + error).astype(np.float64), 1),
        excess=step_up(np.maximum(above - mass, 0).astype(np.float64), 1),
        log_mass=np.minimum.accumulate(log_mass.astype(np.float64)),
    )


@lru_cache(maxsize=1024)
def random_walk(
    mu: tuple[Fraction | float, ...],
    rho: tuple[Fraction | float, ...],
    before: RandomWalk | None = None,
    start: int = 0,
    ratio: Fraction | None = None,
) -> RandomWalk:
    """Return the walk of a pair of laws. Walks are cached, so that their tables are shared."""
    return RandomWalk(Step(mu, rho, ratio), before, start)


def _convolve(a: list[int], b: list[int]) -> list[int]:
    out = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if y:
                out[i + j] += x * y
    return out
