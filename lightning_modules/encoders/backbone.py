"""The contract of networks that compute features."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from images within [0, 1] to features, normalisation included.

    It keeps every argument of its constructor in an attribute of the same name, so that a checkpoint can record how to
    build it. An argument named ``weights`` only selects the initial weights and is not recorded. Training of an encoder
    refuses a pretrained backbone, since the labels of its pretraining are unknown.

    Attributes:
        features: Number of features k.
    """

    features: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` of images ``(batch, channels, height, width)``."""
