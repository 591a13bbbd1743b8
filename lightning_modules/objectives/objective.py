"""The contract of every training objective."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lightning_modules.objectives.noise import Noise
from smoothing.measures import SmoothingMeasure


class Objective(ABC):
    """What the weights of a base classifier are to minimise.

    A new objective is a subclass with `loss`. It sees the network as a function from noisy images to logits, and the
    measure as a source of draws, so that any measure will do; one whose formula is a single measure's says so in
    `supports`.
    """

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Why this objective cannot serve the measure, or None where it can."""
        return None

    @abstractmethod
    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """The loss of one batch.

        Args:
            network: From noisy images ``(n, ...)`` to logits ``(n, K)``.
            noise: Source of draws from the measure.
            x: Images ``(batch, ...)`` within [0, 1].
            labels: ``(batch,)`` int64.
            epoch: Number of the epoch, from 0, for what sets in by and by.

        Returns:
            A scalar to differentiate.
        """


def set_in(epoch: int, epochs: int) -> float:
    """Share of its strength that something has in an epoch when it grows linearly over the first ``epochs``."""
    return min(1.0, (epoch + 1) / epochs) if epochs else 1.0
