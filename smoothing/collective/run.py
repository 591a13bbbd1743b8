"""Collective certificates of many examples, in blocks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import refuse_words
from smoothing.collective.bound import bounds
from smoothing.collective.collective_certifier import CollectiveCertifier
from smoothing.collective.evaluator import CollectiveEvaluator
from smoothing.collective.examples import MOST_EXAMPLES, UNIT, AnsweredExamples, Float, Sketch, Whole
from smoothing.collective.search import best_multipliers, optimal_multipliers, whole
from smoothing.collective.table import CollectiveRow, hash_of
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.arrays import Arrays, as_tensor
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

BLOCK = 64
"""Examples in a block."""

SKETCH = 2**25
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
        """Fraction of all examples whose answers are counted and remain under every attack, by budget."""
        number = int(self.counted.sum())
        return [(number - bound) / len(self.counted) for bound in self.bounds]

    @property
    def pointwise(self) -> list[float]:
        """Fraction of all examples that is certified one by one, by budget."""
        return [float((self.counted & (self.radius >= budget)).mean()) for budget in self.budgets]

    def rows(self, name: str, certifier: CollectiveCertifier, assumptions: Sequence[str]) -> list[CollectiveRow]:
        """Return the rows of the table, ascending by budget.

        Args:
            name: Name of the certifier.
            certifier: The collective certifier.
            assumptions: Assumptions under which the bounds hold.
        """
        return [
            CollectiveRow(
                certifier=name,
                budget=budget,
                counted=certifier.counted,
                examples=len(self.counted),
                number=int(self.counted.sum()),
                bound=self.bounds[place],
                certified=self.certified[place],
                pointwise=self.pointwise[place],
                multipliers=self.hash_of(place),
                classifier=certifier.classifier,
                deterministic=True,
                sound=True,
                assumptions="; ".join(dict.fromkeys(assumptions)),
            )
            for place, budget in enumerate(self.budgets)
        ]

    def hash_of(self, place: int) -> str:
        """Return the SHA-256 of the multipliers that give a bound, as little-endian int64; of zeros if there are none.

        Args:
            place: Position of the budget.
        """
        return hash_of(
            np.zeros(len(self.counted), np.int64) if self.by[place] < 0 else self.multipliers[self.by[place]]
        )


@dataclass(frozen=True)
class Piece:
    """What the search for multipliers needs of one block of examples.

    Attributes:
        prediction: Answers, ``(b,)``.
        radius: Number of changes that each answer survives by itself, ``(b,)``.
        compact: All gains of a small problem, ``(b, places, targets)``; a sketch of a larger one; None for neither.
    """

    prediction: Whole
    radius: Float
    compact: Float | Sketch | None


@dataclass(frozen=True)
class Answers:
    """Answers to all examples.

    Attributes:
        radius: ``(m,)`` number of changes that each answer survives by itself.
        counted: ``(m,)`` which answers are counted.
    """

    radius: Float
    counted: NDArray[np.bool_]

    @classmethod
    def of(cls, certifier: CollectiveEvaluator, pieces: Sequence[Piece], truth: Whole) -> "Answers":
        """Return the answers in some pieces, given the true classes ``(m,)``."""
        prediction = np.concatenate([piece.prediction for piece in pieces])
        counted = (prediction == truth) if certifier.counted == "right" else np.ones(len(truth), bool)
        return cls(np.concatenate([piece.radius for piece in pieces]), counted)


@dataclass(frozen=True)
class Plan:
    """How multipliers are found: by linear programming in small problems, on a sketch in others.

    Attributes:
        small: Whether the problem is small.
        stride: Number of places that one place of the sketch stands for.
    """

    small: bool
    stride: int

    @classmethod
    def of(cls, first: AnsweredExamples, m: int) -> "Plan":
        """Return the plan for ``m`` examples, of which ``first`` are the first block."""
        stride = max(1, min(-(-m * first.size() // SKETCH), first.places))
        return cls(m * first.places * first.targets <= SMALL, stride)

    def piece(self, examples: AnsweredExamples, search: bool = True) -> Piece:
        """Return what the search needs of a block, or only the answers if there is no search."""
        compact = (examples.gains() if self.small else examples.sketch(self.stride)) if search else None
        return Piece(examples.prediction, examples.radius, compact)

    def multipliers(self, certifier: CollectiveCertifier, pieces: Sequence[Piece], answers: Answers) -> Whole:
        """Return one vector of multipliers per budget, ``(budgets, m)``, given the pieces of all examples in order."""
        parts: list[Any] = [piece.compact for piece in pieces]
        compact: Any = np.concatenate(parts) if self.small else type(parts[0]).joined(parts)
        found = []
        for budget in certifier.budgets:
            active = (answers.counted & (answers.radius < budget)).astype(np.float64)
            if not active.any():
                found.append(active)
            elif self.small:
                found.append(optimal_multipliers(compact, active, budget))
            else:
                found.append(best_multipliers(compact, active, budget / self.stride, self.stride, certifier.steps))
        return np.stack([whole(one) for one in found])


def collective_bounds(
    certifier: CollectiveCertifier,
    votes: Votes,
    measure: SmoothingMeasure,
    x: Arrays,
    labels: Arrays,
    multipliers: Whole | None = None,
    index: Sequence[int] | None = None,
) -> CollectiveBounds:
    """Return how many answers to some examples one attacker can change.

    Args:
        certifier: The collective certifier.
        votes: Fitted votes.
        measure: Measure of the votes.
        x: Examples, ``(m, ...)``.
        labels: True classes, ``(m,)``.
        multipliers: ``(vectors, m)`` whole numbers of units of ``1 / UNIT``, within [0, 1]; searched for by default.
        index: Position of each example in its data set, each once; by default ``0 .. m - 1``.

    Raises:
        ValueError: If votes under the measure are not supported, or an argument is not as described.
    """
    if reason := certifier.supports(measure, votes):
        raise ValueError(f"{type(certifier).__name__}: {reason}")
    inputs = as_tensor("examples", x)
    m = len(inputs)
    positions = np.arange(m) if index is None else np.asarray(index)
    check_once(certifier, positions.tolist())
    truth = np.asarray(labels, np.int64)
    if truth.shape != (m,):
        refuse_words(certifier, "labels", f"an array of shape {list(truth.shape)}", f"({m},), one per example")

    def blocks() -> Iterable[AnsweredExamples]:
        for start in range(0, m, BLOCK):
            some = slice(start, start + BLOCK)
            yield certifier.examples(Ballots(measure, votes, inputs[some], positions[some], 0))

    return bounds_of(certifier, blocks, truth, multipliers)


def bounds_of(
    certifier: CollectiveCertifier,
    blocks: Callable[[], Iterable[AnsweredExamples]],
    truth: Whole,
    multipliers: Whole | None = None,
) -> CollectiveBounds:
    """Return bounds from blocks of examples; see `collective_bounds`.

    Args:
        certifier: The collective certifier.
        blocks: Returns all examples in blocks, in order. Called twice.
        truth: True classes, ``(m,)``.
        multipliers: As for `collective_bounds`.
    """
    m = len(truth)
    check_number(certifier, m)
    pieces: list[Piece] = []
    plan = None
    for block in blocks():
        plan = plan or Plan.of(block, m)
        pieces.append(plan.piece(block, search=multipliers is None))
    assert plan is not None
    answers = Answers.of(certifier, pieces, truth)
    if multipliers is None:
        multipliers = plan.multipliers(certifier, pieces, answers)
    check_multipliers(certifier, multipliers, m)
    chosen = np.where(answers.counted, multipliers, 0)
    totals: Any = 0
    start = 0
    for block in blocks():
        end = start + len(block.prediction)
        totals = totals + block.totals(chosen[:, start:end])
        start = end
    return evaluated(certifier, totals, chosen, answers)


def evaluated(certifier: CollectiveCertifier, totals: Whole, multipliers: Whole, answers: Answers) -> CollectiveBounds:
    """Return the bounds that some multipliers give, in whole numbers.

    Args:
        certifier: The collective certifier.
        totals: Totals of all examples, ``(vectors, places, targets)``; see `AnsweredExamples.totals`.
        multipliers: ``(vectors, m)`` that the totals were computed with, 0 for answers that are not counted.
        answers: Answers to all examples.
    """
    found, by = bounds(certifier.values(totals), multipliers, answers.radius, answers.counted, certifier.budgets)
    return CollectiveBounds(certifier.budgets, found, answers.counted, answers.radius, multipliers, by)


def check_number(certifier: CollectiveEvaluator, m: int) -> None:
    """Raise unless there is a number of examples that the arithmetic allows.

    Raises:
        ValueError: Naming the number.
    """
    if not 1 <= m <= MOST_EXAMPLES:
        refuse_words(certifier, "examples", str(m), f"from 1 to {MOST_EXAMPLES}")


def check_once(certifier: CollectiveEvaluator, index: Sequence[int]) -> None:
    """Raise if an example is given twice: its answer would count twice.

    Raises:
        ValueError: Naming the position of the example.
    """
    positions, times = np.unique(np.asarray(index), return_counts=True)
    if (times > 1).any():
        refuse_words(certifier, "examples", f"position {positions[times > 1][0]} more than once", "given once each")


def check_multipliers(certifier: CollectiveCertifier, multipliers: Whole, m: int) -> None:
    """Raise unless multipliers are whole numbers of units within [0, 1], one per example.

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
        refuse_words(certifier, "multipliers", f"{off} / {UNIT}", "within [0, 1]")
