"""UNets with given outputs, or with random weights."""

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
"""Arguments of a tiny UNet."""


class Oracle(nn.Module):
    """Returns a function of its input and its time, and records both."""

    def __init__(self, output: Callable[[Tensor, int], Tensor], channels: int = 1, out: int = 1) -> None:
        super().__init__()
        self.output = output
        self.config = {"in_channels": channels, "out_channels": out, "sample_size": None}
        self.calls: list[tuple[Tensor, int]] = []

    def forward(self, given: Tensor, time: int) -> SimpleNamespace:
        self.calls.append((given, time))
        return SimpleNamespace(sample=self.output(given, time))


def tiny(channels: int = 1, size: int | None = 8, **arguments: Any) -> UNet2DModel:
    """A UNet with random weights that are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        chosen = {"in_channels": channels, "out_channels": channels, "sample_size": size}
        return UNet2DModel(**(TINY | chosen | arguments))


def pipeline(unet: UNet2DModel, **scheduler: Any) -> DDPMPipeline:
    """A diffusion model as diffusers saves it."""
    return DDPMPipeline(unet, DDPMScheduler(**scheduler))
