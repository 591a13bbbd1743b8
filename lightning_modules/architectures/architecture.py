"""The contract of every architecture of a base classifier."""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor, nn

from smoothing.arguments import at_least

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels, by which pretrained networks normalise."""


class Normalise(nn.Module):
    """Subtracts a mean from every channel and divides it by a standard deviation.

    Args:
        mean: Means on the scale of the images, one per channel, or one for all.
        std: Standard deviations on the scale of the images, above 0, as many.

    Raises:
        ValueError: If they are not finite, their numbers differ, or a standard deviation is not above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not mean:
            raise ValueError(f"Normalise: std = {list(std)}; must be as many numbers as mean = {list(mean)}")
        if not all(abs(value) < inf for value in mean):
            raise ValueError(f"Normalise: mean = {list(mean)}; must be finite")
        if not all(0 < value < inf for value in std):
            raise ValueError(f"Normalise: std = {list(std)}; must be finite and above 0")
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(batch, channels, height, width)``, normalised.

        Raises:
            ValueError: If they have another number of channels than there are means.
        """
        if len(self.mean) not in (1, x.shape[1]):
            raise ValueError(f"Normalise: mean has {len(self.mean)} numbers; must be 1 or {x.shape[1]}, the channels")
        return (x - self.mean) / self.std


class Architecture(nn.Module):
    """A network from images on the scale [0, 1], plus noise, to logits.

    Noise is added before the images come here, and normalising is the first layer (THEORY.md section 5): sigma is on
    the scale of the images, and the normalisation belongs to the weights. A new architecture is a subclass that hands
    its body to this constructor. It keeps every argument of its own constructor in an attribute of that name, so that
    a checkpoint can say how to build it; an argument named ``weights`` says only where training starts, and is left
    out.

    Args:
        body: From normalised images ``(batch, channels, height, width)`` to logits ``(batch, num_classes)``.
        num_classes: Number of classes K, at least 2.
        mean: Channel means to normalise by, on the scale [0, 1].
        std: Channel standard deviations to normalise by, on the scale [0, 1], above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, body: nn.Module, num_classes: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        at_least(self, 2, num_classes=num_classes)
        self.normalise = Normalise(mean, std)
        self.body = body
        self.num_classes = num_classes
        self.mean = tuple(mean)
        self.std = tuple(std)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(batch, K)`` of images ``(batch, channels, height, width)`` on the scale [0, 1], noise included."""
        logits: Tensor = self.body(self.normalise(x))
        return logits
