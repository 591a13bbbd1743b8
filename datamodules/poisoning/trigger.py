"""Triggers of backdoors: patches on images."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from smoothing.arguments import at_least, is_floating
from smoothing.numerics.random import generator

PATTERN = 0x7A16
"""Key of the stream from which patterns are drawn."""


@dataclass(frozen=True, eq=False)
class Trigger:
    """A patch that replaces a rectangle of an image.

    Attributes:
        pattern: Pixels of the patch, ``(channels, height, width)`` float32 within [0, 1].
        row: Row of its upper edge, at least 0.
        column: Column of its left edge, at least 0.

    Raises:
        ValueError: If the pattern has another form, or a number is below 0.
    """

    pattern: Tensor = field(repr=False)
    row: int
    column: int

    def __post_init__(self) -> None:
        is_floating(self, pattern=self.pattern)
        if self.pattern.dim() != 3 or not ((self.pattern >= 0) & (self.pattern <= 1)).all():
            raise ValueError("Trigger: pattern; must be an image (channels, height, width) within [0, 1]")
        at_least(self, 0, row=self.row, column=self.column)

    @classmethod
    def random(cls, shape: tuple[int, ...], size: int, seed: int = 0, margin: int = 0) -> "Trigger":
        """Return a patch of random black or white pixels in the lower right corner.

        Args:
            shape: Shape of the images, ``(channels, height, width)``.
            size: Height and width of the patch, at least 1 and at most those of the images less ``margin``.
            seed: Seed of the pattern, at least 0.
            margin: Number of pixels between the patch and the edges, at least 0.

        Raises:
            ValueError: If the patch does not fit.
        """
        at_least("Trigger", 1, size=size)
        at_least("Trigger", 0, seed=seed, margin=margin)
        channels, height, width = shape
        bits = torch.randint(0, 2, (channels, size, size), generator=generator((seed, PATTERN)))
        made = cls(bits.float(), max(height - size - margin, 0), max(width - size - margin, 0))
        if size + margin > min(height, width):
            raise ValueError(f"Trigger: size = {size}; must fit into images of {height} x {width} pixels")
        return made

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return copies of images with the patch.

        Args:
            images: ``(n, channels, height, width)``.
            generator: Source of random places, one per image. Default: the place of the trigger.

        Raises:
            ValueError: If the patch does not fit into the images.
        """
        channels, height, width = self.pattern.shape
        free = images.shape[-2] - height, images.shape[-1] - width
        if images.shape[1] != channels or self.row > free[0] or self.column > free[1]:
            place = f"{channels} x {height} x {width} at row {self.row}, column {self.column}"
            raise ValueError(f"Trigger: {place}; must be within images of shape {list(images.shape[1:])}")
        patched = images.clone()
        pattern = self.pattern.to(images)
        if generator is None:
            patched[..., self.row : self.row + height, self.column : self.column + width] = pattern
            return patched
        rows, columns = (torch.randint(0, last + 1, (len(images),), generator=generator).tolist() for last in free)
        for image, row, column in zip(patched, rows, columns, strict=True):
            image[:, row : row + height, column : column + width] = pattern
        return patched
