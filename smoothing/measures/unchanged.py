"""Labels as they are: the measure of votes that certify themselves."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smoothing.measures.discrete import CategoricalMeasure
from smoothing.measures.measure import Channel, SmoothingMeasure
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss


class Unchanged(CategoricalMeasure):
    """No noise: every label is kept. Its law tells any change from none, so that no bound on votes gives a radius.

    Certifiers that know how many labels turn a vote need none: partitions, clusters named jointly, and the exact
    certificate of a linear vote, which under it is that of the vote itself.

    Args:
        num_classes: Number of values K, at least 2.

    Raises:
        ValueError: If it is out of its range.
    """

    def __init__(self, num_classes: int) -> None:
        if num_classes < 2:
            raise ValueError(f"Unchanged: num_classes = {num_classes}; must be at least 2")
        self.num_classes = num_classes

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """A copy of ``z``."""
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """All mass leaves the support as soon as a coordinate changes."""
        return OverlapLoss(1.0 if radius > 0 else 0.0)

    @property
    def channel(self) -> Channel:
        """The identity, ``(K, K)``."""
        return np.eye(self.num_classes)


def changes_labels(measure: SmoothingMeasure) -> str | None:
    """Why a measure is not one that keeps every label as it is, or None where it is."""
    channel = measure.channel
    if channel is not None and np.array_equal(channel, np.eye(len(channel))):
        return None
    return f"{type(measure).__name__} changes what is learned from; must be Unchanged"
