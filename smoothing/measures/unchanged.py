"""No noise."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smoothing.distance import Distance
from smoothing.measures.measure import SmoothingMeasure
from smoothing.privacy_loss import PrivacyLoss
from smoothing.rounding import Float


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
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """No two different objects share a version."""
        return _Apart() if radius > 0 else _Equal()

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Nothing is certified."""
        return np.zeros_like(log_fail)


class _Apart(PrivacyLoss):
    def log_gain(self, log_f: Float) -> Float:
        return np.zeros_like(log_f)

    def kl(self) -> float:
        return np.inf


class _Equal(PrivacyLoss):
    def log_gain(self, log_f: Float) -> Float:
        return np.array(log_f, np.float64)

    def kl(self) -> float:
        return 0.0
