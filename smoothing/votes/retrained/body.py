"""The contract of frozen networks below a learner."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.provenance.origin import Origin


class Body(nn.Module, ABC):
    """A fixed map from inputs to features, each row by itself, that a learner works behind.

    Attributes:
        trained_on: What it was learned from; a body that has seen the training set under attack voids its
            certificates (THEORY.md section 6).
        batch_size: Inputs that are mapped at a time, at least 1; a shorter batch is filled up.
    """

    trained_on: tuple[Origin, ...]
    batch_size: int = 100

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, k)`` of inputs ``(batch, ...)``."""

    def identity(self) -> str | None:
        """SHA-256 of its weights, in hexadecimal; None where there are none."""
        return None
