"""The contract of frozen bodies."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.provenance.origin import Origin


class Body(nn.Module, ABC):
    """Frozen map from inputs to the features of a learner. It maps each row of a batch independently.

    Attributes:
        trained_on: Origins of its training examples. A body trained on the training set under attack voids its
            certificates (THEORY.md section 6).
        batch_size: Number of inputs in a batch, at least 1. Shorter batches are padded.
    """

    trained_on: tuple[Origin, ...]
    batch_size: int = 100

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` of inputs ``(batch, ...)``."""

    def identity(self) -> str | None:
        """Return the SHA-256 of its weights, in hexadecimal; None if it has none."""
        return None
