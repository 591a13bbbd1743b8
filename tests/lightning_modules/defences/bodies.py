"""Bodies and data of the tests of defences."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smoothing.votes import Body


class Flat(Body):
    """Pixels as features."""

    trained_on = ()

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


@dataclass
class Given:
    """Training data."""

    x: Tensor
    labels: Tensor
    num_classes: int = 2

    def training_set(self) -> tuple[Tensor, Tensor]:
        return self.x, self.labels


def blobs(each: int = 20, seed: int = 0, gap: float = 0.4) -> tuple[Tensor, Tensor]:
    """Two classes of images of 1 x 4 x 4 pixels: dark and light ones."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(2).repeat_interleave(each)
    levels = 0.5 + gap * (labels - 0.5)
    noise = 0.02 * torch.randn(2 * each, 1, 4, 4, generator=source)
    return (levels[:, None, None, None] + noise).clamp(0, 1), labels


class Tiny(nn.Module):
    """A network with a hidden layer."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))
        if norm:
            self.layers.insert(2, nn.BatchNorm1d(8))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits
