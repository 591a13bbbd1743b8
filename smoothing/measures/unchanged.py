"""No noise."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smoothing.arguments import at_least, is_tensor
from smoothing.distance import Distance
from smoothing.measures.discrete import CategoricalMeasure
from smoothing.measures.measure import Channel, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss


class Unchanged(SmoothingMeasure):
    """Leaves the object as it is, and certifies nothing: what accuracy without noise is measured under."""

    coordinatewise = True
    exact_samples = True

    @property
    def distance(self) -> Distance:
        """Euclidean length; every change gives itself away."""
        return Distance("l2", "input units", integer=False, strict=True)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """A copy of ``z``."""
        is_tensor(self, z=z)
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """No two different objects share a version."""
        return _different(radius)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Nothing is certified."""
        return np.zeros_like(log_fail)


class UnchangedLabels(CategoricalMeasure):
    """Keeps every label: the measure of votes that certify themselves.

    No bound on votes gives a radius under it. Certifiers that know how many labels turn a vote need none: partitions,
    clusters named jointly, and the exact certificate of a linear vote, which under it is that of the vote itself.

    Args:
        num_classes: Number of values K, at least 2.

    Raises:
        ValueError: If it is out of its range.
    """

    def __init__(self, num_classes: int) -> None:
        at_least(self, 2, num_classes=num_classes)
        self.num_classes = num_classes

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """A copy of ``z``."""
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """No two different label vectors share a version."""
        return _different(radius)

    @property
    def channel(self) -> Channel:
        """The identity, ``(K, K)``."""
        return np.eye(self.num_classes)


def _different(radius: float) -> PrivacyLoss:
    """All mass leaves the support as soon as anything changes."""
    return OverlapLoss(1.0 if radius > 0 else 0.0)


def changes_labels(measure: SmoothingMeasure) -> str | None:
    """Why a measure is not one that keeps every label as it is, or None where it is."""
    channel = measure.channel
    if channel is not None and np.array_equal(channel, np.eye(len(channel))):
        return None
    return f"{type(measure).__name__} changes what is learned from; must be UnchangedLabels"
