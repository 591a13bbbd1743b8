"""The contract of every training objective."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lightning_modules.objectives.noise import Noise
from smoothing.measures import SmoothingMeasure


class Objective(ABC):
    """A training loss of a base classifier.

    A new objective is a subclass with `loss`. It uses the network as a function from noisy images to logits, and the
    measure as a source of draws, so that it works with any measure. If its formula needs a certain measure, `supports`
    refuses the others.
    """

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why this objective cannot be used with the measure, or None if it can."""
        return None

    @abstractmethod
    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """Return the loss of one batch.

        Args:
            network: Maps noisy images ``(n, ...)`` to logits ``(n, K)``.
            noise: Source of draws from the measure.
            x: Images ``(batch, ...)`` within [0, 1].
            labels: ``(batch,)`` int64.
            epoch: Number of the epoch, from 0, for terms that grow over the first epochs.

        Returns:
            A differentiable scalar.
        """


def ramp(epoch: int, epochs: int) -> float:
    """Return the factor, in an epoch, of a term that grows linearly to 1 over the first ``epochs``."""
    return min(1.0, (epoch + 1) / epochs) if epochs else 1.0
