"""Triggers of backdoors: patches on images."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from smoothing.arguments import at_least, is_floating, refuse, sequence, text
from smoothing.data_folder import data_file
from smoothing.numerics.random import generator
from smoothing.representation import Represented

PATTERN = 0x7A16
"""Key of the stream from which patterns are drawn."""


class Trigger(Represented):
    """A patch that replaces a rectangle of an image.

    Args:
        pattern: Pixels of the patch, ``(channels, height, width)`` within [0, 1].
        row: Row of its upper edge, at least 0.
        column: Column of its left edge, at least 0.

    Raises:
        ValueError: If the pattern has another form, or a number is below 0.
    """

    def __init__(self, pattern: Tensor, row: int, column: int) -> None:
        is_floating(self, pattern=pattern)
        if pattern.dim() != 3 or not ((pattern >= 0) & (pattern <= 1)).all():
            raise ValueError("Trigger: pattern; must be an image (channels, height, width) within [0, 1]")
        at_least(self, 0, row=row, column=column)
        self.pattern = pattern.detach().float().cpu()
        self.row = row
        self.column = column

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


class RandomTrigger(Trigger):
    """A patch of random pixels, each channel black or white, in the lower right corner.

    Args:
        shape: Shape of the images, ``(channels, height, width)``.
        size: Height and width of the patch, at least 1.
        seed: Seed of the pattern, at least 0.
        margin: Number of pixels between the patch and the edges, at least 0.

    Raises:
        ValueError: If an argument is out of its range, or the patch does not fit.
    """

    def __init__(self, shape: Sequence[int], size: int, seed: int = 0, margin: int = 0) -> None:
        sequence(self, shape=shape)
        for side in shape:
            at_least(self, 1, shape=side)
        if len(shape) != 3:
            refuse(self, "shape", list(shape), "three numbers: channels, height, width")
        at_least(self, 1, size=size)
        at_least(self, 0, seed=seed, margin=margin)
        channels, height, width = shape
        if size + margin > min(height, width):
            refuse(self, "size", size, f"at most {min(height, width) - margin}, to fit into the images")
        drawn = torch.randint(0, 2, (channels, size, size), generator=generator((seed, PATTERN)))
        super().__init__(drawn.float(), height - size - margin, width - size - margin)
        self.shape = tuple(shape)
        self.size = size
        self.seed = seed
        self.margin = margin


class ImageTrigger(Trigger):
    """A patch from an image file, in colour.

    Args:
        path: The file. A relative path is looked for in the working directory, then in the folder that the environment
            variable ``SMOOTHING_DATA`` names.
        row: Row of its upper edge, at least 0.
        column: Column of its left edge, at least 0.
        size: Height and width to which it is resized, at least 1; default: as in the file.

    Raises:
        ValueError: If the file cannot be read, or a number is out of its range.
    """

    def __init__(self, path: str, row: int, column: int, size: int | None = None) -> None:
        text(self, path=path)
        at_least(self, 0, row=row, column=column)
        if size is not None:
            at_least(self, 1, size=size)
        try:
            with Image.open(data_file(path)) as file:
                image = file.convert("RGB") if size is None else file.convert("RGB").resize((size, size))
        except Exception as error:  # damaged files raise many types of exceptions
            raise ValueError(f"ImageTrigger: path = {path}; must be a readable image") from error
        super().__init__(pil_to_tensor(image).float() / 255, row, column)
        self.path = path
        self.size = size
