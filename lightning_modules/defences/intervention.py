"""What a defence does while a network is trained."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lightning_modules.defences.features import BATCH

if TYPE_CHECKING:
    from lightning_modules.defences.training import Training

Augment = Callable[[Tensor], Tensor]
"""Maps inputs ``(batch, ...)`` to random augmentations."""


@dataclass
class TrainingState:
    """A network in training.

    Attributes:
        trained: Module with all parameters that are trained: a head or a whole network.
        body: Frozen map from ``x`` to the inputs of ``trained``; None if ``x`` are these inputs.
        x: Training images, or their features if the body is applied once, before the training; ``(n, ...)``.
        labels: Their labels, ``(n,)``.
        num_classes: Number of classes K.
    """

    trained: nn.Module
    body: nn.Module | None
    x: Tensor
    labels: Tensor
    num_classes: int

    def logits(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of inputs like rows of ``x``."""
        logits: Tensor = self.trained(x if self.body is None else self.body(x))
        return logits

    def all_logits(self) -> Tensor:
        """Return the logits of all training examples in evaluation mode, ``(n, K)``, without gradient."""
        mode = self.trained.training
        self.trained.eval()
        with torch.no_grad():
            found = torch.cat([self.logits(part) for part in self.x.split(BATCH)])
        self.trained.train(mode)
        return found


class Intervention:
    """What a defence does while a network is trained. An object serves one training. By default it does nothing.

    Attributes:
        moves_inputs: Whether `inputs` changes images, so that features cannot be computed before the training.
    """

    moves_inputs: bool = False

    def begin(
        self, state: TrainingState, optimiser: torch.optim.Optimizer, training: "Training", key: Sequence[int]
    ) -> torch.optim.Optimizer:
        """Return the optimiser to use. It may also replace ``state.trained`` until `end`.

        Args:
            state: The network before its first step.
            optimiser: The optimiser of the recipe.
            training: The recipe.
            key: Key of the random numbers of the training.
        """
        return optimiser

    def kept(self, state: TrainingState, epoch: int) -> Tensor:
        """Return the positions of the training examples of an epoch, ``(m,)`` int64. The default is all."""
        return torch.arange(len(state.labels))

    def batches(self, kept: Tensor, size: int, source: torch.Generator) -> Iterator[Tensor]:
        """Yield the positions of each step of an epoch. The default is a shuffled pass through all of them."""
        yield from kept[torch.randperm(len(kept), generator=source)].split(size)

    def inputs(
        self, state: TrainingState, positions: Tensor, epoch: int, augment: Augment, source: torch.Generator
    ) -> Tensor:
        """Return the inputs of a step, ``(batch, ...)``. The default are augmented training inputs.

        Args:
            state: The network, in evaluation mode.
            positions: Positions of the training examples of the step, ``(batch,)``.
            epoch: Number of the epoch, from 0.
            augment: The augmentation of the recipe.
            source: Source of random numbers, on the device of the inputs.
        """
        return augment(state.x[positions])

    def end(self, state: TrainingState) -> None:
        """Undo what `begin` has done to the network."""
