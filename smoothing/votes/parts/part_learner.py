"""The contract of learners on a part of a training set."""

from abc import ABC, abstractmethod

from torch import Tensor

from smoothing.representation import Represented


class PartLearner(Represented, ABC):
    """Learner on a part or a bag of a training set, which scores the classes of inputs.

    The result of `learn` must be a function of the examples alone, to the bit. The scores of an input must not depend
    on other inputs of a batch. Every linear vote is a part learner.

    Attributes:
        num_classes: Number of classes K, after `learn`.
        assumptions: Assumptions of certificates with this learner, one phrase each.
    """

    num_classes: int
    assumptions: tuple[str, ...] = ()

    @abstractmethod
    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Train from scratch on a part of a training set. A class may have no example in it.

        Args:
            x: Features, ``(m, ...)``, finite, at least one row.
            labels: Labels, ``(m,)`` int64 in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.

        Raises:
            ValueError: If the examples are invalid.
        """

    @abstractmethod
    def class_scores(self, x: Tensor) -> Tensor:
        """Return scores ``(batch, num_classes)`` float64 of inputs ``(batch, ...)``. The first largest one wins."""
