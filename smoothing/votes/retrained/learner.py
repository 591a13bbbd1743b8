"""The contract of what turns a training set into predictions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from smoothing.provenance.origin import Origin
from smoothing.representation import Represented


class Learner(Represented, ABC):
    """A training run, seen from outside: training set in, predictions out.

    It is a part of the base function of `RetrainedVotes`, and given nothing of the training set but its randomised
    version: what it computes of that, statistics included, is covered by the certificate (THEORY.md section 6). All
    its randomness comes from the key of a draw.

    A new learner is a subclass with `train_and_predict`. It trains `group` models at a time, always as many, and what
    one of them predicts must not depend on the others, nor on its place among them.

    Attributes:
        group: Number of models that are trained at once, at least 1.
        trained_on: What it starts from was learned from; empty where it starts from nothing.
        warm_start: Whether it starts from `start`, which voids every certificate.
        assumptions: What a certificate takes for granted, one phrase each.
        checkpoint: SHA-256 of what it starts from, in hexadecimal; None where that is nothing.
    """

    group: int = 1
    trained_on: tuple[Origin, ...] = ()
    warm_start: bool = False
    assumptions: tuple[str, ...] = ()
    checkpoint: str | None = None

    def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
        """Learn from the training set as it is; called beforehand, and only if `warm_start` says so.

        Args:
            x: Training inputs without noise, ``(n, ...)``.
            labels: ``(n,)`` int64 labels.
            num_classes: Number of classes K.
            key: Key of its randomness.
        """
        raise NotImplementedError(f"{type(self).__name__} has no warm start")

    @abstractmethod
    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """Train one model on each training set, and predict.

        Args:
            x: Training inputs, ``(group, n, ...)`` float32.
            labels: ``(n,)`` int64 labels in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.
            tests: Inputs to predict, ``(group, m, ...)`` float32; often one for all models, expanded.
            keys: Key of the randomness of each model.

        Returns:
            ``(group, m)`` int64 classes. A model that diverged has an opinion too: by a fixed rule, such as `winner`.
        """


def winner(logits: Tensor) -> Tensor:
    """The class with the largest logit, the first of several; NaN counts as larger than any number.

    Args:
        logits: ``(..., num_classes)``.
    """
    return logits.argmax(-1)
