"""A small backbone."""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor, nn

from lightning_modules.encoders.backbone import Backbone
from smoothing.arguments import at_least, refuse, sequence


class FeatureNetwork(Backbone):
    """A small convolutional network from images within [0, 1] to features.

    The features are outputs of a linear layer. Rectified features are often constant on classes that are absent from
    training; linear ones are not, so that they span their space there too.

    Args:
        shape: Channels, height and width of an image, each at least 1.
        features: Number of features k, at least 1.
        width: Number of channels of the first convolution, at least 1. Each of the next two has twice as many.

    Raises:
        ValueError: If an argument is out of its range.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: Sequence[int], features: int, width: int) -> None:
        super().__init__()
        sequence(self, shape=shape)
        if len(shape) != 3:
            refuse(self, "shape", list(shape), "channels, height and width")
        for side in shape:
            at_least(self, 1, shape=side)
        at_least(self, 1, features=features, width=width)
        self.shape = tuple(shape)
        self.features = features
        self.width = width
        channels, height, length = shape
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * width * ceil(height / 8) * ceil(length / 8), features),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        features: Tensor = self.layers((x - self.mean) / self.std)
        return features
