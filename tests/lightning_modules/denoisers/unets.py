"""UNets that know what they will be asked, or nothing at all."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from torch import Tensor, nn

TINY: dict[str, Any] = {
    "block_out_channels": (8, 8),
    "down_block_types": ("DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D"),
    "mid_block_type": None,
    "layers_per_block": 1,
    "norm_num_groups": 4,
}
"""Arguments of a UNet that costs nothing."""


class Oracle(nn.Module):
    """Says what a function of its input and its time says, and keeps both."""

    def __init__(self, says: Callable[[Tensor, int], Tensor], channels: int = 1, out: int = 1) -> None:
        super().__init__()
        self.says = says
        self.config = {"in_channels": channels, "out_channels": out, "sample_size": None}
        self.asked: list[tuple[Tensor, int]] = []

    def forward(self, given: Tensor, time: int) -> SimpleNamespace:
        self.asked.append((given, time))
        return SimpleNamespace(sample=self.says(given, time))


def tiny(channels: int = 1, size: int | None = 8, **arguments: Any) -> UNet2DModel:
    """A UNet with random weights that are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        chosen = {"in_channels": channels, "out_channels": channels, "sample_size": size}
        return UNet2DModel(**(TINY | chosen | arguments))


def pipeline(unet: UNet2DModel, **scheduler: Any) -> DDPMPipeline:
    """A diffusion model as diffusers saves it."""
    return DDPMPipeline(unet, DDPMScheduler(**scheduler))
