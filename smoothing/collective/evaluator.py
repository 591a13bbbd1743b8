"""The contract that collective certifiers and collective attacks share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

from smoothing.arguments import at_least, refuse, sequence
from smoothing.collective.examples import AnsweredExamples
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Counted = Literal["right", "all"]
"""Answers that are counted: those that equal the label, or all."""


class CollectiveEvaluator(Represented, ABC):
    """Base class of `CollectiveCertifier` and `CollectiveAttack`, for code that runs either.

    A new class is a subclass of one of these two, never of this one.

    Args:
        budgets: Numbers of changes, whole numbers of at least 0, each once.
        counted: ``"right"`` counts answers that are right without an attack, ``"all"`` counts all answers.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        classifier: Smoothed classifier of the answers, or attacked classifier.
    """

    classifier: ClassVar[str] = "mean"

    def __init__(self, budgets: Sequence[int], counted: Counted = "right") -> None:
        sequence(self, budgets=budgets)
        if not budgets:
            refuse(self, "budgets", list(budgets), "at least one number of changes")
        for budget in budgets:
            at_least(self, 0, budgets=budget)
        if repeated := [budget for budget in budgets if list(budgets).count(budget) > 1]:
            refuse(self, "budgets", repeated[0], "given once")
        if counted not in get_args(Counted):
            refuse(self, "counted", counted, '"right" or "all"')
        self.budgets = sorted(int(budget) for budget in budgets)
        self.counted = counted

    @abstractmethod
    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None if it is."""

    @abstractmethod
    def examples(self, ballots: Ballots) -> AnsweredExamples:
        """Return the answers to a batch of examples, each of which must not depend on other examples of the batch.

        Args:
            ballots: Inputs with a measure and votes that `supports` accepts.
        """
