"""The contract of collective certifiers: one attacker, one budget, many answers."""

from collections.abc import Sequence

import numpy as np

from smoothing.arguments import at_least
from smoothing.collective.evaluator import CollectiveEvaluator, Counted
from smoothing.collective.examples import Whole


class CollectiveCertifier(CollectiveEvaluator):
    """Bounds how many answers change if one attacker changes up to ``r`` of the training labels (THEORY.md 4.9).

    A certificate of one answer holds against an attacker who spends the whole budget on it. The attacker of a
    collective certificate spends the budget once, on all answers together. The bound says how many answers can change,
    not which ones.

    A new collective certifier is a subclass with `supports` and `examples`, and `classifier` where it is not the mean
    vote.

    Args:
        budgets: Numbers of changes, whole numbers of at least 0, each once.
        counted: ``"right"`` counts answers that are right without an attack, ``"all"`` counts all answers.
        steps: Number of steps of the search for multipliers, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, budgets: Sequence[int], counted: Counted = "right", steps: int = 100) -> None:
        super().__init__(budgets, counted)
        at_least(self, 1, steps=steps)
        self.steps = steps

    def values(self, totals: Whole) -> Whole:
        """Return what one change can add to the sum of gains, largest first, ``(vectors, places)``.

        Args:
            totals: ``(vectors, places, targets)`` totals of all examples; see `AnsweredExamples.totals`.
        """
        return -np.sort(-totals.max(2), axis=1)
