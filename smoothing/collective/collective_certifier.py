"""The contract of collective certifiers: one attacker, one budget, many answers."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import numpy as np

from smoothing.arguments import at_least, refuse, sequence
from smoothing.certificates.certificates import SmoothedClassifier
from smoothing.collective.questions import Questions, Whole
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Counted = Literal["right", "all"]
"""Answers that are counted: those that equal the label, or all."""


class CollectiveCertifier(Represented):
    """Bounds how many answers change if one attacker changes up to ``r`` of the training labels (THEORY.md 4.7).

    A certificate of one answer holds against an attacker who spends the whole budget on it. The attacker of a
    collective certificate spends the budget once, on all answers together. The bound says how many answers can change,
    not which ones.

    A new collective certifier is a subclass with `supports` and `questions`, and `classifier` where it is not the mean
    vote.

    Args:
        budgets: Numbers of changes, whole numbers of at least 0, each once.
        counted: ``"right"`` counts answers that are right without an attack, ``"all"`` counts all answers.
        steps: Number of steps of the search for multipliers, at least 1.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        classifier: Smoothed classifier that is certified.
    """

    classifier: ClassVar[SmoothedClassifier] = "mean"

    def __init__(self, budgets: Sequence[int], counted: Counted = "right", steps: int = 150) -> None:
        sequence(self, budgets=budgets)
        if not budgets:
            refuse(self, "budgets", list(budgets), "at least one number of changes")
        for budget in budgets:
            at_least(self, 0, budgets=budget)
        if repeated := [budget for budget in budgets if list(budgets).count(budget) > 1]:
            refuse(self, "budgets", repeated[0], "given once")
        if counted not in get_args(Counted):
            refuse(self, "counted", counted, '"right" or "all"')
        at_least(self, 1, steps=steps)
        self.budgets = sorted(int(budget) for budget in budgets)
        self.counted = counted
        self.steps = steps

    @abstractmethod
    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None if it is."""

    @abstractmethod
    def questions(self, ballots: Ballots) -> Questions:
        """Return a batch of answered questions. Those of a question must not depend on other questions of the batch.

        Args:
            ballots: Inputs with a measure and votes that `supports` accepts.
        """

    def values(self, totals: Whole) -> Whole:
        """Return what one change can add to the sum of gains, largest first, ``(vectors, places)``.

        Args:
            totals: ``(vectors, places, targets)`` totals of all questions; see `Questions.totals`.
        """
        return -np.sort(-totals.max(2), axis=1)
