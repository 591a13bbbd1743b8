"""The contract of every way to teach a UNet to take out noise, and to ask it to."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Lesson(NamedTuple):
    """What a UNet is taught on one batch.

    Attributes:
        given: Its input, ``(batch, channels, height, width)``.
        time: How noisy each row is, ``(batch,)``, on the UNet's scale of time.
        wanted: What it should say, like ``given``.
    """

    given: Tensor
    time: Tensor
    wanted: Tensor


class Process(ABC):
    """How noise is put on images, and taken out again by a UNet that knows how noisy they are.

    A UNet is anything that is asked as `diffusers.UNet2DModel` is: ``unet(given, time).sample``. Images are on the
    scale [0, 1] here, and on [-1, 1] within. It keeps every argument of its constructor in an attribute of that name.
    """

    @abstractmethod
    def applied_sigma(self, sigma: float) -> float:
        """See `smoothing.measures.Denoiser.applied_sigma`."""

    @abstractmethod
    def lesson(self, x: Tensor, generator: torch.Generator) -> Lesson:
        """Put noise on images ``(batch, channels, height, width)`` within [0, 1]."""

    @abstractmethod
    def denoise(self, unet: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
        """See `smoothing.measures.Denoiser.forward`; the result is within [0, 1]."""

    def imagine(self, unet: nn.Module, start: Tensor) -> Tensor | None:
        """Images from nothing but noise, within [0, 1]; None where the UNet has not learned to.

        Args:
            unet: The UNet.
            start: Standard normal noise, ``(batch, channels, height, width)``.
        """
        return None

    def save(self, unet: Any, folder: Path) -> None:
        """Write the UNet to a folder, so that diffusers can read it."""
        unet.save_pretrained(folder / "unet")
