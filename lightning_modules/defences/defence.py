"""The contract of defences, and the absence of one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lightning_modules.defences.classifiers import DefendedClassifier, TrainedNetwork
from lightning_modules.defences.intervention import Intervention
from lightning_modules.defences.training import Training
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented

DEFENCE = 0xDEF
"""Part of the key of the random numbers of a defence, besides those of the training."""


class TrainingData(Protocol):
    """Interface of a data module with a training set that may be poisoned.

    Attributes:
        num_classes: Number of classes K.
    """

    num_classes: int

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return training images ``(n, ...)`` float32 and labels ``(n,)`` int64."""


class Defence(Represented, ABC):
    """A way to train a classifier on a training set that may be poisoned, without knowledge of the poisons.

    A new defence is a subclass with `classifier`, or with `intervention` if it only acts during the training.
    """

    @property
    def trains_one_network(self) -> bool:
        """Whether `classifier` returns a `TrainedNetwork`, on which attacks can be crafted. The default is true."""
        return True

    @property
    def trained_on(self) -> tuple[Origin, ...]:
        """Origins of the examples that parts of the defence were trained on before, such as a denoiser."""
        return ()

    def check(self, examples: int, training: Training) -> None:
        """Raise if the defence does not fit a recipe or a number of training examples. The default allows all.

        Args:
            examples: Number of training examples.
            training: The training recipe.

        Raises:
            ValueError: Naming what does not fit.
        """

    def defend(
        self, data: TrainingData, training: Training, key: Sequence[int], device: torch.device | str = "cpu"
    ) -> DefendedClassifier:
        """Train a classifier. It is a function of the arguments.

        Args:
            data: The data, of which `setup` was called.
            training: The training recipe.
            key: Key of all random numbers.
            device: Device of the training.

        Raises:
            ValueError: If the defence does not fit the data or the recipe.
        """
        x, labels = data.training_set()
        self.check(len(labels), training)
        return self.classifier(x.to(device), labels.to(device), data.num_classes, training, key)

    def classifier(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> DefendedClassifier:
        """Train a classifier; see `defend`.

        Args:
            x: Training images, ``(n, ...)`` float32, on the device of the training.
            labels: Labels, ``(n,)`` int64.
            num_classes: Number of classes K.
            training: The training recipe.
            key: Key of all random numbers.
        """
        return TrainedNetwork(training.train(x, labels, num_classes, key, self.intervention()))

    def intervention(self) -> Intervention | None:
        """Return what the defence does during one training. The default is nothing."""
        return None


class NoDefence(Defence):
    """Ordinary training."""


class Filter(Defence):
    """A defence that removes or changes training examples before the training."""

    @abstractmethod
    def filtered(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return the examples to train on; see `Defence.classifier` for the arguments."""

    def classifier(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> DefendedClassifier:
        """Train on the filtered examples; see `Defence.classifier`."""
        kept, of_kept = self.filtered(x, labels, num_classes, training, key)
        return TrainedNetwork(training.train(kept, of_kept, num_classes, key))
