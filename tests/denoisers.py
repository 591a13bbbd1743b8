"""Denoisers whose every effect is known."""

import torch
from torch import Tensor

from smoothing.measures import Denoiser


class Blur(Denoiser):
    """The mean of each image's rows; asks for ``factor`` times the noise that is certified."""

    image_shape = (1, 2, 3)

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
        self.weight = torch.nn.Parameter(torch.ones(()))

    def applied_sigma(self, sigma: float) -> float:
        return self.factor * sigma

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        return self.weight * noisy.mean(-1, keepdim=True).expand_as(noisy).contiguous()


class Spy(Blur):
    """Leaves images as they are, and keeps the shapes of what it was given."""

    image_shape = (None, None, None)

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__(factor)
        self.given: list[tuple[int, ...]] = []

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        self.given.append(tuple(noisy.shape))
        return noisy
