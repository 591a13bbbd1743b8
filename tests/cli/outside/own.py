"""A user's network without a checkpoint."""

from torch import Tensor, nn


class Own(nn.Module):
    """Two classes by the mean of an image."""

    num_classes = 2

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        return mean[:, None] * Tensor([1, -1])
