"""The contract of every network that gives features."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from images within [0, 1] to features; normalising them is a part of it.

    It keeps every argument of its constructor in an attribute of that name, so that a checkpoint can say how to build
    it; an argument named ``weights`` says only where training starts, and is left out. A backbone that comes trained is
    no start for an encoder that is to say which labels it has seen.

    Attributes:
        features: Number of features k.
    """

    features: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, k)`` of images ``(batch, channels, height, width)``."""
