"""A small convolutional network."""

from collections.abc import Sequence

from torch import nn

from lightning_modules.architectures.architecture import Architecture
from smoothing.arguments import at_least


class SmallCNN(Architecture):
    """Two convolutions with stride 2, and a linear layer.

    Args:
        num_classes: Number of classes K, at least 2.
        channels: Number of channels of the images, at least 1.
        size: Height and width of the images, at least 11.
        width: Number of channels of the first convolution, at least 1; the second has twice as many.
        mean: Channel means.
        std: Channel standard deviations, above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_classes: int = 10,
        channels: int = 1,
        size: int = 28,
        width: int = 16,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        at_least(self, 2, num_classes=num_classes)
        at_least(self, 1, channels=channels, width=width)
        at_least(self, 11, size=size)
        self.channels = channels
        self.size = size
        self.width = width
        last = ((size - 5) // 2 + 1 - 3) // 2 + 1
        body = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=2),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * last * last, num_classes),
        )
        super().__init__(body, num_classes, mean, std)
