"""Random views of images."""

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from smoothing.arguments import below_one, finite, instance, positive, refuse

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the brightness."""


class Views(nn.Module):
    """Random crops of images, resized, mirrored at random, with changed colours (Chen et al. 2020, appendix A).

    Operations run on whole batches on their device, with separate random numbers per image. Colours change in
    brightness, contrast and saturation, in this order. A fraction of the images becomes grey.

    Args:
        least: Smallest fraction of the area of an image to keep, above 0 and at most 1.
        strength: Brightness, contrast and saturation change by factors within ``1 - s`` and ``1 + s``, at least 0 and
            below 1.
        grey: Fraction of the images that become grey, within [0, 1].
        mirror: Whether each image is mirrored with probability one half. Not suitable for digits.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, least: float = 0.2, strength: float = 0.4, grey: float = 0.2, mirror: bool = True) -> None:
        super().__init__()
        positive(self, least=least)
        if least > 1:
            refuse(self, "least", least, "above 0 and at most 1")
        below_one(self, strength=strength)
        finite(self, 0, grey=grey)
        if grey > 1:
            refuse(self, "grey", grey, "within [0, 1]")
        instance(self, bool, mirror=mirror)
        self.least = least
        self.strength = strength
        self.grey = grey
        self.mirror = mirror

    def forward(self, x: Tensor) -> Tensor:
        """Return one view of each image ``(batch, channels, height, width)`` within [0, 1]."""
        return self._coloured(self._cut(x))

    def _cut(self, x: Tensor) -> Tensor:
        n = len(x)
        area = _between(self.least, 1, n, x)
        stretch = torch.exp(_between(-0.2877, 0.2877, n, x))  # sides at most 4 : 3
        height, width = (area * stretch).sqrt().clamp(max=1), (area / stretch).sqrt().clamp(max=1)
        across, down = ((1 - side) * _between(-1, 1, n, x) for side in (width, height))
        if self.mirror:
            width = width * (2 * torch.randint(2, (n,), device=x.device) - 1)
        zero = torch.zeros_like(width)
        part = torch.stack([torch.stack([width, zero, across], 1), torch.stack([zero, height, down], 1)], 1)
        grid = affine_grid(part, list(x.shape), align_corners=False)
        return grid_sample(x, grid, padding_mode="border", align_corners=False)

    def _coloured(self, x: Tensor) -> Tensor:
        bright, contrast, colour = (
            _between(1 - self.strength, 1 + self.strength, len(x), x)[:, None, None, None] for _ in range(3)
        )
        x = (x * bright).clamp(0, 1)
        mean = _grey(x).mean((1, 2, 3), keepdim=True)
        x = (mean + (x - mean) * contrast).clamp(0, 1)
        colour = torch.where(torch.rand_like(colour) < self.grey, 0, colour)
        return (_grey(x) + (x - _grey(x)) * colour).clamp(0, 1)


def _grey(x: Tensor) -> Tensor:
    if x.shape[1] != len(GREY):
        return x.mean(1, keepdim=True)
    return (x * x.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)


def _between(low: float, high: float, n: int, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(n, device=like.device, dtype=like.dtype)
