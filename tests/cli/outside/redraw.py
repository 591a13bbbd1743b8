"""A user's measure, in a file next to the config."""

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.distance import Distance
from smoothing.measures import SmoothingMeasure
from smoothing.privacy_loss import PrivacyLoss, RepeatedLoss


class Redraw(SmoothingMeasure):
    """With probability ``e`` a label is redrawn uniformly over all classes.

    Args:
        e: Probability of a redraw, within (0, 1).
        num_classes: Number of classes K.
    """

    def __init__(self, e: str | float | Fraction, num_classes: int) -> None:
        self.e = Fraction(str(e))
        self.num_classes = num_classes

    @property
    def distance(self) -> Distance:
        return Distance("l0", "flips", integer=True, strict=False)

    def diameter(self, shape: Sequence[int]) -> float:
        return prod(shape)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        u = torch.rand(z.shape, generator=generator, dtype=torch.float64, device=z.device) / float(self.e)
        # Conditioned on u < 1, u is uniform. It selects the class, counted from the next one.
        return torch.where(u < 1, (z + 1 + (u * self.num_classes).long()) % self.num_classes, z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        new = self.e / self.num_classes
        old, other = 1 - self.e + new, (self.num_classes - 2) * new
        return RepeatedLoss((new, old, other), (old, new, other), int(radius))

    @property
    def channel(self) -> NDArray[np.float64]:
        e = float(self.e)
        return np.full((self.num_classes,) * 2, e / self.num_classes) + (1 - e) * np.eye(self.num_classes)
