"""The contract of processes: how noise is added, and how a UNet learns to remove it."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class TrainingBatch(NamedTuple):
    """One training batch of a UNet.

    Attributes:
        given: Its input, ``(batch, channels, height, width)``.
        time: Noise level of each row on the time scale of the UNet, ``(batch,)``.
        target: Target of its output, like ``given``.
    """

    given: Tensor
    time: Tensor
    target: Tensor


class Process(ABC):
    """Adds noise to images, and removes it by a UNet that is given the noise level.

    A UNet is called like `diffusers.UNet2DModel`: ``unet(given, time).sample``. Images are on the scale [0, 1] here,
    and on [-1, 1] for the UNet. A process keeps every argument of its constructor in an attribute of the same name.
    """

    @abstractmethod
    def applied_sigma(self, sigma: float) -> float:
        """See `smoothing.measures.Denoiser.applied_sigma`."""

    @abstractmethod
    def training_batch(self, x: Tensor, generator: torch.Generator) -> TrainingBatch:
        """Add noise to images ``(batch, channels, height, width)`` within [0, 1]."""

    @abstractmethod
    def denoise(self, unet: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
        """See `smoothing.measures.Denoiser.forward`; the result is within [0, 1]."""

    def generate(self, unet: nn.Module, start: Tensor) -> Tensor | None:
        """Return generated images within [0, 1]; None if the UNet is not trained for it.

        Args:
            unet: The UNet.
            start: Standard normal noise, ``(batch, channels, height, width)``.
        """
        return None

    def save(self, unet: Any, folder: Path) -> None:
        """Save the UNet to a folder in the format of diffusers."""
        unet.save_pretrained(folder / "unet")
