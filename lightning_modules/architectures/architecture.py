"""The base class of all architectures, and their normalisation."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from smoothing.arguments import at_least, instance, numbers, refuse

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels, with which pretrained networks normalise."""


def check_normalisation(owner: object, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise unless means and standard deviations of channels are finite, equal in number, and the latter above 0.

    Args:
        owner: Object that the arguments belong to.
        mean: The means.
        std: The standard deviations.

    Raises:
        ValueError: Naming the argument that is refused, and what is allowed.
    """
    numbers(owner, "finite numbers, one per channel", mean=mean)
    numbers(owner, "finite numbers above 0, one per channel", std=std)
    if not len(mean):
        refuse(owner, "mean", list(mean), "finite numbers, one per channel")
    if not all(value > 0 for value in std):
        refuse(owner, "std", list(std), "finite and above 0")
    if len(mean) != len(std):
        refuse(owner, "std", list(std), f"as many numbers as mean = {list(mean)}")


class Normalise(nn.Module):
    """Normalisation of each channel by a mean and a standard deviation.

    Args:
        mean: Means on the scale of the images, one per channel, or one for all.
        std: Standard deviations on the scale of the images, above 0, one per mean.

    Raises:
        ValueError: If they are not finite, their numbers differ, or a standard deviation is not above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        check_normalisation(self, mean, std)
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise images ``(batch, channels, height, width)``, or rows of a table ``(batch, channels)``.

        Raises:
            ValueError: If the number of channels differs from the number of means.
        """
        if len(self.mean) not in (1, x.shape[1]):
            raise ValueError(f"Normalise: mean has {len(self.mean)} numbers; must be 1 or {x.shape[1]}, the channels")
        shape = [-1, *[1] * (x.dim() - 2)]
        return (x - self.mean.reshape(shape)) / self.std.reshape(shape)


class Architecture(nn.Module):
    """A network from images on the scale [0, 1], plus noise, to logits.

    Noise is added to the images before the network. Normalisation is the first layer (THEORY.md section 5): sigma is on
    the scale of the images, and the normalisation belongs to the weights.

    A new architecture is a subclass that passes its body to this constructor. It keeps every argument of its own
    constructor in an attribute of the same name, so that a checkpoint can record how to build it. An argument named
    ``weights`` only selects the initial weights and is not recorded.

    Args:
        body: Maps normalised images ``(batch, channels, height, width)`` to logits ``(batch, num_classes)``. Rows of a
            table ``(batch, columns)`` are images of columns: their numbers have any scale.
        num_classes: Number of classes K, at least 2.
        mean: Channel means, on the scale [0, 1].
        std: Channel standard deviations, on the scale [0, 1], above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, body: nn.Module, num_classes: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        instance(self, nn.Module, body=body)
        at_least(self, 2, num_classes=num_classes)
        check_normalisation(self, mean, std)
        self.normalise = Normalise(mean, std)
        self.body = body
        self.num_classes = num_classes
        self.mean = tuple(mean)
        self.std = tuple(std)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of noisy images ``(batch, channels, height, width)`` on the scale [0, 1]."""
        logits: Tensor = self.body(self.normalise(x))
        return logits
