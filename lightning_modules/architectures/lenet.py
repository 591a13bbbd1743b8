"""LeNet for MNIST."""

from collections.abc import Sequence

from torch import nn

from lightning_modules.architectures.architecture import Architecture
from smoothing.arguments import at_least


class LeNet(Architecture):
    """The network of the field's MNIST results: two convolutions of 20 and 50 channels, and a layer of 500 units.

    For images of 28 x 28 pixels. Caffe's version of LeCun et al. (1998), trained under noise by Jeong and Shin (2020)
    and their successors, who do not normalise MNIST.

    Args:
        num_classes: Number of classes K, at least 2.
        channels: Channels of the images, at least 1.
        mean: Channel means to normalise by.
        std: Channel standard deviations to normalise by.

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
