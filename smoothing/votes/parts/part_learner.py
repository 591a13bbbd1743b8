"""The contract of what is taught by a part of a training set."""

from abc import ABC, abstractmethod

from torch import Tensor

from smoothing.representation import Represented


class PartLearner(Represented, ABC):
    """Learns from the labelled examples of a part or a bag of a training set, and scores the classes of inputs.

    What it has learned must be a function of the examples alone, to the bit, and what it says of an input must not
    depend on the other inputs of a batch. Every linear vote is one.

    Attributes:
        num_classes: Number of classes K, after `learn`.
        assumptions: What a certificate takes for granted by using it, one phrase each.
    """

    num_classes: int
    assumptions: tuple[str, ...] = ()

    @abstractmethod
    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Learn anew from a part of a training set; a class may have no example in it.

        Args:
            x: Features ``(m, ...)``, finite, at least one row.
            labels: ``(m,)`` int64 in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.

        Raises:
            ValueError: If nothing can be learned from them.
        """

    @abstractmethod
    def class_scores(self, x: Tensor) -> Tensor:
        """Scores ``(batch, num_classes)`` float64 of inputs ``(batch, ...)``; the largest wins, the first of equals."""
