"""What a user may change between two starts of a run: a file of weights, and code."""

import torch
from helper import SCALE
from torch import Tensor, nn

from smoothing.measures import Gaussian
from smoothing.privacy_loss import PrivacyLoss


class FromFile(nn.Module):
    """A linear classifier of digits, with weights from ``w.pt``."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 2)
        self.linear.load_state_dict(torch.load("w.pt", weights_only=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class Mine(Gaussian):
    """A user's noise."""

    def privacy_loss(self, radius: float, shape: object) -> PrivacyLoss:
        return super().privacy_loss(radius * SCALE, shape)  # type: ignore[arg-type]
