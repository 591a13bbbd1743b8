"""Collective certificates of many questions, in blocks."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import refuse_words
from smoothing.collective.bound import bounds
from smoothing.collective.collective_certifier import CollectiveCertifier
from smoothing.collective.questions import MOST_QUESTIONS, UNIT, Float, Questions, Sketch, Whole
from smoothing.collective.search import best_multipliers, optimal_multipliers, whole
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.arrays import Arrays, as_tensor
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

BLOCK = 64
"""Questions in a block."""

SKETCH = 2**26
"""Largest number of values in a sketch. Of larger problems, evenly spaced places are kept."""

SMALL = 2**18
"""Largest number of gains from which multipliers are computed by linear programming."""


@dataclass(frozen=True)
class CollectiveBounds:
    """Bounds on the number of answers that one attacker can change.

    Attributes:
        budgets: Budgets, ascending.
        bounds: Largest number of counted answers that can change, by budget: ``B(r)``.
        counted: ``(m,)`` which answers are counted.
        radius: ``(m,)`` number of changes that each answer survives by itself.
        multipliers: ``(vectors, m)`` in units of ``1 / UNIT``.
        by: Vector of multipliers that gives each bound; -1 for multipliers of 0.
    """

    budgets: list[int]
    bounds: list[int]
    counted: NDArray[np.bool_]
    radius: Float
    multipliers: Whole
    by: list[int]

    @property
    def certified(self) -> list[float]:
        """Fraction of all questions whose answers are counted and remain under every attack, by budget."""
        number = int(self.counted.sum())
        return [(number - bound) / len(self.counted) for bound in self.bounds]

    @property
    def pointwise(self) -> list[float]:
        """Fraction of all questions that is certified one by one, by budget."""
        return [float((self.counted & (self.radius >= budget)).mean()) for budget in self.budgets]

    def hash_of(self, place: int) -> str:
        """Return the SHA-256 of the multipliers that give a bound, as little-endian int64; of zeros if there are none.

        Args:
            place: Position of the budget.
        """
        chosen = np.zeros(len(self.counted), np.int64) if self.by[place] < 0 else self.multipliers[self.by[place]]
        return hashlib.sha256(np.ascontiguousarray(chosen.astype("<i8")).tobytes()).hexdigest()


def stride_of(first: Questions, m: int) -> int:
    """Return the number of places that one place of the sketch stands for.

    Args:
        first: The first block of questions.
        m: Number of all questions.
    """
    return max(1, min(-(-m * first.size() // SKETCH), first.places))


def multipliers_of(
    certifier: CollectiveCertifier, sketch: Sketch, stride: int, radius: Float, counted: NDArray[np.bool_]
) -> Whole:
    """Return one vector of multipliers per budget, ``(budgets, m)``, found on the sketch."""
    found = []
    for budget in certifier.budgets:
        active = (counted & (radius < budget)).astype(np.float64)
        found.append(
            best_multipliers(sketch, active, budget / stride, stride, certifier.steps) if active.any() else active
        )
    return np.stack([whole(one) for one in found])


def collective_bounds(
    certifier: CollectiveCertifier,
    votes: Votes,
    measure: SmoothingMeasure,
    x: Arrays,
    labels: Arrays,
    multipliers: Whole | None = None,
) -> CollectiveBounds:
    """Return how many answers to some questions one attacker can change.

    Args:
        certifier: The collective certifier.
        votes: Fitted votes.
        measure: Measure of the votes.
        x: Questions, ``(m, ...)``.
        labels: True classes, ``(m,)``.
        multipliers: ``(vectors, m)`` whole numbers of units of ``1 / UNIT``, within [0, 1]; searched for by default.

    Raises:
        ValueError: If votes under the measure are not supported, or an argument is not as described.
    """
    if reason := certifier.supports(measure, votes):
        raise ValueError(f"{type(certifier).__name__}: {reason}")
    inputs = as_tensor("questions", x)
    m = len(inputs)
    truth = np.asarray(labels, np.int64)
    if truth.shape != (m,):
        refuse_words(certifier, "labels", f"an array of shape {list(truth.shape)}", f"({m},), one per question")

    def blocks() -> Iterable[Questions]:
        for start in range(0, m, BLOCK):
            some = slice(start, start + BLOCK)
            yield certifier.questions(Ballots(measure, votes, inputs[some], np.arange(m)[some], 0))

    return bounds_of(certifier, blocks, truth, multipliers)


def bounds_of(
    certifier: CollectiveCertifier,
    blocks: Callable[[], Iterable[Questions]],
    truth: Whole,
    multipliers: Whole | None = None,
) -> CollectiveBounds:
    """Return bounds from blocks of questions; see `collective_bounds`.

    Args:
        certifier: The collective certifier.
        blocks: Returns all questions in blocks, in order. Called twice if there are many.
        truth: True classes, ``(m,)``.
        multipliers: As for `collective_bounds`.
    """
    m = len(truth)
    if not 1 <= m <= MOST_QUESTIONS:
        refuse_words(certifier, "questions", str(m), f"from 1 to {MOST_QUESTIONS}")
    answers, pieces, stride, kept = [], [], 0, []
    for block in blocks():
        answers.append((block.prediction, block.radius))
        small = m * block.places * block.targets <= SMALL
        stride = stride or stride_of(block, m)
        if small:
            kept.append(block)
        elif multipliers is None:
            pieces.append(block.sketch(stride))
    prediction, radius = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    counted = (prediction == truth) if certifier.counted == "right" else np.ones(m, bool)
    if multipliers is None:
        if kept:
            multipliers = _optimal(certifier, kept, radius, counted)
        else:
            sketch = type(pieces[0]).joined(pieces)
            multipliers = multipliers_of(certifier, sketch, stride, radius, counted)
    check_multipliers(certifier, multipliers, m)
    return evaluated(certifier, kept or blocks(), multipliers, radius, counted)


def evaluated(
    certifier: CollectiveCertifier,
    blocks: Iterable[Questions],
    multipliers: Whole,
    radius: Float,
    counted: NDArray[np.bool_],
) -> CollectiveBounds:
    """Return the bounds that some multipliers give, in whole numbers."""
    multipliers = np.where(counted, multipliers, 0)
    totals: Any = 0
    start = 0
    for block in blocks:
        end = start + len(block.prediction)
        totals = totals + block.totals(multipliers[:, start:end])
        start = end
    found, by = bounds(certifier.values(totals), multipliers, radius, counted, certifier.budgets)
    return CollectiveBounds(certifier.budgets, found, counted, radius, multipliers, by)


def check_multipliers(certifier: CollectiveCertifier, multipliers: Whole, m: int) -> None:
    """Raise unless multipliers are whole numbers of units within [0, 1], one per question.

    Raises:
        ValueError: Naming what is wrong.
    """
    given = np.asarray(multipliers)
    if given.ndim != 2 or given.shape[1] != m or given.dtype.kind not in "iu":
        refuse_words(
            certifier, "multipliers", f"{given.dtype} of shape {list(given.shape)}", f"int64 of shape (vectors, {m})"
        )
    if given.size and not (given.min() >= 0 and given.max() <= UNIT):
        off = given.max() if given.max() > UNIT else given.min()
        refuse_words(certifier, "multipliers", f"{off / UNIT:.6g}", "within [0, 1]")


def _optimal(
    certifier: CollectiveCertifier, blocks: Sequence[Questions], radius: Float, counted: NDArray[np.bool_]
) -> Whole:
    gains = np.concatenate([block.gains() for block in blocks])
    return np.stack(
        [
            whole(optimal_multipliers(gains, (counted & (radius < budget)).astype(np.float64), budget))
            for budget in certifier.budgets
        ]
    )
