"""A linear classifier, on which losses and attacks have formulas."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]


class Linear(nn.Module):
    """Logits ``w x + b`` in double precision."""

    def __init__(self, classes: int, features: int, seed: int = 0) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(classes, features, generator=source, dtype=torch.float64))
        self.bias = nn.Parameter(torch.randn(classes, generator=source, dtype=torch.float64) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T + self.bias


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def predictions(network: Linear, noisy: Tensor, draws: int) -> Array:
    """Softmax of each draw and image, ``(draws, batch, K)``, computed by NumPy."""
    x = noisy.detach().flatten(1).numpy()
    weight, bias = network.weight.detach().numpy(), network.bias.detach().numpy()
    return softmax(x @ weight.T + bias).reshape(draws, len(x) // draws, -1)
