"""The contract of learners."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from smoothing.provenance.origin import Origin
from smoothing.representation import Represented


class Learner(Represented, ABC):
    """Training procedure: takes a training set, returns predictions.

    A learner is part of the base function of `RetrainedVotes`, where it is given only randomised training sets, and of
    `TrainedPartitions`, where it is given only the examples of its parts. The certificate covers everything computed
    from them, statistics included (THEORY.md section 6). All its random numbers depend on the key of a draw.

    A new learner is a subclass with `train_and_predict`. It always trains `group` models at a time. The predictions of
    a model must not depend on the other models or on earlier calls, nor, up to rounding, on its position among them.

    Attributes:
        group: Number of models trained together, at least 1.
        trained_on: Origins of the training examples of its initial weights; empty for untrained initial weights.
        warm_start: Whether models start from the result of `start`, which voids every certificate.
        assumptions: Assumptions of certificates with this learner, one phrase each.
        checkpoint: SHA-256 of its initial weights, in hexadecimal; None if they are untrained.
    """

    group: int = 1
    trained_on: tuple[Origin, ...] = ()
    warm_start: bool = False
    assumptions: tuple[str, ...] = ()
    checkpoint: str | None = None

    def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
        """Train on the training set without noise. Called before all draws if `warm_start` is True.

        Args:
            x: Training inputs without noise, ``(n, ...)``.
            labels: Labels, ``(n,)`` int64.
            num_classes: Number of classes K.
            key: Key of the random numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} has no warm start")

    @abstractmethod
    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """Train one model per training set, and predict.

        Args:
            x: Training inputs, ``(group, n, ...)`` float32.
            labels: Labels, ``(n,)`` int64 in ``0 .. num_classes - 1``, the same for all models, or ``(group, n)``.
            num_classes: Number of classes K.
            tests: Inputs to predict, ``(group, m, ...)`` float32; often the same for all models, expanded.
            keys: Key of the random numbers of each model.

        Returns:
            Predicted classes, ``(group, m)`` int64. A model that diverged predicts by a fixed rule, such as `winner`.
        """


def winner(logits: Tensor) -> Tensor:
    """Return the first class with the largest logit. NaN counts as larger than any number.

    Args:
        logits: Logits, ``(..., num_classes)``.
    """
    return logits.argmax(-1)
