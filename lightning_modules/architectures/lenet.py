"""LeNet for MNIST."""

from collections.abc import Sequence

from torch import nn

from lightning_modules.architectures.architecture import Architecture
from smoothing.arguments import at_least


class LeNet(Architecture):
    """LeNet for images of 28 x 28 pixels: two convolutions of 20 and 50 channels, and a layer of 500 units.

    Caffe's version of LeCun et al. (1998). Jeong and Shin (2020) and later work train it under noise, without
    normalisation of MNIST.

    Args:
        num_classes: Number of classes K, at least 2.
        channels: Number of channels of the images, at least 1.
        mean: Channel means.
        std: Channel standard deviations, above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_classes: int = 10,
        channels: int = 1,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        at_least(self, 2, num_classes=num_classes)
        at_least(self, 1, channels=channels)
        self.channels = channels
        body = nn.Sequential(
            nn.Conv2d(channels, 20, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(50 * 4 * 4, 500),
            nn.ReLU(),
            nn.Linear(500, num_classes),
        )
        super().__init__(body, num_classes, mean, std)
