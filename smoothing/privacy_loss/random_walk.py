"""Sums of independent privacy losses that are whole multiples of one unit: a random walk on a lattice."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from smoothing.rounding import UNIT, WIDE, Float, down, step_up, wide

Wide = NDArray[np.longdouble]

NEGLIGIBLE = WIDE(1e-27)
"""Probabilities below this at the edges of a law are given to the adversary."""

LARGEST_STEP = 64
"""Longest step, in units, that a law of one coordinate may take."""

SNAPSHOT_EVERY = 64
"""Laws are kept at every such number of steps, so that any other is a few steps away."""


@dataclass(frozen=True)
class Law:
    """The walk after some steps, under ``rho``.

    Attributes:
        steps: Number of steps.
        lowest: Position of the first probability.
        p: Probabilities of ``lowest, lowest + 1, ...``, each within ``error`` relative of the truth, or below it.
        lost: At least the probability that ``p`` leaves out.
        error: Relative error bound of ``p``.
    """

    steps: int
    lowest: int
    p: Wide
    lost: np.longdouble
    error: np.longdouble

    def above(self) -> Wide:
        """At least the probability of lying above each position, from ``lowest - 1`` upwards."""
        tails = np.concatenate([self.p[::-1].cumsum()[::-1], [WIDE(0)]])
        return np.asarray(tails * (1 + self.error + len(tails) * UNIT) + self.lost)


@dataclass(frozen=True)
class Profile:
    """The hockey-stick curve ``H_d = max_A rho(A) - e^(d unit) mu(A)`` at the positions of a law.

    For every ``d``, ``G(f) <= e^(d unit) f + H_d``; the least of these is ``G(f)`` itself.

    Attributes:
        log_slope: ``(m,)`` ``d unit``, ascending, rounded up.
        excess: ``(m,)`` ``H_d``, rounded up.
        log_mass: ``(m,)`` ``log mu(L > d unit)``, descending; which ``d`` is least for an ``f``.
    """

    log_slope: Float
    excess: Float
    log_mass: Float

    def log_gain(self, log_f: Float) -> Float:
        """Upper bound on ``log G(f)``, for float64 ``log_f`` of any shape."""
        log_f = np.asarray(log_f, np.float64)
        best = len(self.log_mass) - np.searchsorted(self.log_mass[::-1], log_f, side="right")
        best = np.minimum(best, len(self.log_mass) - 1)
        gain = np.exp(np.minimum(step_up(self.log_slope[best] + log_f, 2), 0)) * (1 + 1e-15) + self.excess[best]
        with np.errstate(divide="ignore"):
            return np.minimum(step_up(np.log(step_up(gain, 2)), 2), 0)


class RandomWalk:
    """The walk whose steps are the privacy losses of one coordinate, in units of ``log ratio``.

    Args:
        mu: Probabilities of the outcomes of one coordinate before the change, exact and summing to one.
        rho: The same after the change.

    Attributes:
        ratio: The likelihood ratio ``e^unit`` of one step, above 1.
        unit: ``log ratio``.
        drift: Mean step under ``rho``; infinite divergences are refused.
    """

    def __init__(self, mu: tuple[Fraction, ...], rho: tuple[Fraction, ...]) -> None:
        pairs = [(m, r) for m, r in zip(mu, rho, strict=True) if m or r]
        if any(not m or not r for m, r in pairs):
            raise ValueError(f"RepeatedLoss: mu = {_show(mu)}, rho = {_show(rho)}; must have the same support")
        self.ratio = min((r / m for m, r in pairs if r > m), default=Fraction(2))
        self.unit = np.log1p(wide(self.ratio - 1))
        steps = [_power(r / m, self.ratio) for m, r in pairs]
        self._lowest = min(steps)
        self._rho = [Fraction(0)] * (max(steps) - self._lowest + 1)
        for step, (_, r) in zip(steps, pairs, strict=True):
            self._rho[step - self._lowest] += r
        self.drift = sum((s * r for s, (_, r) in zip(steps, pairs, strict=True)), Fraction(0))
        start = Law(0, 0, np.ones(1, WIDE), WIDE(0), WIDE(0))
        self._last = start
        self._snapshots = [start]
        self._thresholds = [self._read_threshold(start)]
        self._exact = [(0, [1])]

    def log_threshold(self, steps: int) -> float:
        """Lower bound on the ``log f`` with ``G(f) = 1/2`` after ``steps`` steps."""
        while len(self._thresholds) <= steps:
            self._last = self._advance(self._last)
            self._thresholds.append(self._read_threshold(self._last))
            if self._last.steps % SNAPSHOT_EVERY == 0:
                self._snapshots.append(self._last)
        return self._thresholds[steps]

    def profile(self, steps: int) -> Profile:
        """The hockey-stick curve after ``steps`` steps."""
        return _profile(self, steps)

    def law(self, steps: int) -> Law:
        """The law after ``steps`` steps."""
        self.log_threshold(steps)
        law = self._snapshots[steps // SNAPSHOT_EVERY]
        while law.steps < steps:
            law = self._advance(law)
        return law

    def exact_threshold(self, steps: int) -> Fraction:
        """The ``f`` with ``G(f) = 1/2`` after ``steps`` steps, in rational arithmetic."""
        whole = int(np.lcm.reduce([p.denominator for p in self._rho], dtype=object))
        kernel = [int(p * whole) for p in self._rho]
        while len(self._exact) <= steps:
            lowest, law = self._exact[-1]
            self._exact.append((lowest + self._lowest, _convolve(law, kernel)))
        lowest, law = self._exact[steps]
        total: int = whole**steps
        above, mass = 0, Fraction(0)
        for position in range(len(law) - 1, -1, -1):
            likelihood: Fraction = self.ratio ** (lowest + position)
            if 2 * (above + law[position]) >= total:
                return (mass + (Fraction(total, 2) - above) / likelihood) / total
            above += law[position]
            mass += law[position] / likelihood
        raise AssertionError("a law sums to one")

    def _advance(self, law: Law) -> Law:
        p = np.zeros(len(law.p) + len(self._rho) - 1, WIDE)
        for shift, step in enumerate(self._rho):
            if step:
                p[shift : shift + len(law.p)] += wide(step) * law.p
        alive = np.flatnonzero(p >= NEGLIGIBLE)
        first, end = alive[0], alive[-1] + 1
        error = (law.steps + 1) * (len(self._rho) + 4) * UNIT
        dropped = (p[:first].sum() + p[end:].sum()) * (1 + error)
        lost = (law.lost + dropped) * (1 + 4 * UNIT)
        return Law(law.steps + 1, law.lowest + self._lowest + int(first), p[first:end], lost, error)

    def _read_threshold(self, law: Law) -> float:
        above = law.above()
        start = int(np.argmax(above <= 0.5))
        higher = law.p[start:]
        powers = np.exp(-self.unit * np.arange(1, len(higher) + 1))
        mass = (higher @ powers) * (1 - law.error - 2 * len(powers) * (1 + self.unit) * UNIT)
        room = WIDE(0.5) - (above[start] - mass)
        position = law.lowest - 1 + start
        log_f = np.log(room) - position * self.unit
        return down(log_f - 8 * UNIT * (1 + abs(np.log(room)) + abs(position) * self.unit))


@lru_cache(maxsize=128)
def _profile(walk: RandomWalk, steps: int) -> Profile:
    law = walk.law(steps)
    above = law.above()
    mass = np.zeros(len(above), WIDE)
    shrink = 1 / wide(walk.ratio)
    for i in range(len(mass) - 1, 0, -1):
        mass[i - 1] = (law.p[i - 1] + mass[i]) * shrink
    mass *= 1 - law.error - 8 * len(mass) * UNIT
    positions = law.lowest - 1 + np.arange(len(above))
    with np.errstate(divide="ignore"):
        log_mass = np.log(mass) - positions * walk.unit
    return Profile(
        log_slope=step_up((positions * walk.unit).astype(np.float64), 2),
        excess=step_up(np.maximum(above - mass, 0).astype(np.float64), 1),
        log_mass=np.minimum.accumulate(log_mass.astype(np.float64)),
    )


@lru_cache(maxsize=32)
def random_walk(mu: tuple[Fraction | float, ...], rho: tuple[Fraction | float, ...]) -> RandomWalk:
    """The walk of a pair of laws, one for each pair: its table grows and is shared."""
    return RandomWalk(_normalised("mu", mu), _normalised("rho", rho))


def _normalised(name: str, law: Sequence[Fraction | float]) -> tuple[Fraction, ...]:
    exact = tuple(Fraction(p) for p in law)
    total = sum(exact, Fraction(0))
    if min(exact) < 0 or abs(float(total) - 1) > 1e-9:
        raise ValueError(f"RepeatedLoss: {name} = {_show(exact)}; must be probabilities that sum to one")
    return tuple(p / total for p in exact)


def _power(value: Fraction, base: Fraction) -> int:
    for exponent in range(LARGEST_STEP + 1):
        if value == base**exponent:
            return exponent
        if value * base**exponent == 1:
            return -exponent
    raise ValueError(
        f"RepeatedLoss: likelihood ratio {float(value)} is no power of {float(base)}; all ratios must be powers of one"
    )


def _convolve(a: list[int], b: list[int]) -> list[int]:
    out = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if y:
                out[i + j] += x * y
    return out


def _show(law: Sequence[Fraction]) -> str:
    return "(" + ", ".join(f"{float(p):.6g}" for p in law) + ")"
