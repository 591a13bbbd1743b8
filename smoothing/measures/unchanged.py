"""Measures without noise."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from smoothing.arguments import at_least, is_generator, is_tensor
from smoothing.distance import CHANGED, INSERTED, Distance
from smoothing.measures.discrete import CategoricalMeasure, check_size
from smoothing.measures.examples import counted, phrase
from smoothing.measures.measure import Channel, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Unchanged(SmoothingMeasure):
    """A measure that returns the object itself. It certifies nothing and serves to measure accuracy without noise."""

    coordinatewise = True
    exact_samples = True

    @property
    def distance(self) -> Distance:
        """Euclidean length of the change, strict."""
        return Distance("l2", "input units", integer=False, strict=True)

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Return a copy of ``z``."""
        is_tensor(self, z=z)
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of disjoint supports: samples of different objects differ."""
        return _different(radius)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Return 0: nothing is certified."""
        return np.zeros_like(log_fail)


class UnchangedLabels(CategoricalMeasure):
    """A measure that keeps every label, for votes that are certified without noise.

    No vote bound gives a radius under this measure. It is used with certifiers that count how many labels change a
    vote: those of partitions, of jointly named clusters, and the exact certifier of a linear vote, which then certifies
    the vote itself.

    Args:
        num_classes: Number of values K, at least 2.

    Raises:
        ValueError: If ``num_classes`` is below 2.
    """

    def __init__(self, num_classes: int) -> None:
        at_least(self, 2, num_classes=num_classes)
        self.num_classes = num_classes

    def randomise(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Return a copy of ``z``; see `CategoricalMeasure.randomise`."""
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of disjoint supports: samples of different label vectors differ."""
        return _different(radius)

    @property
    def channel(self) -> Channel:
        """``(K, K)`` identity matrix.

        Raises:
            ValueError: If there are more classes than `MOST_CLASSES`.
        """
        check_size(self)
        return np.eye(self.num_classes)


class UnchangedExamples(SmoothingMeasure):
    """A measure that keeps the whole training set, for parts that are certified against changes of examples.

    Like `UnchangedLabels` it gives no radius to a vote bound. Certifiers of partitions count how many examples change a
    vote (THEORY.md section 8). Votes that cannot be certified in its distance refuse it.

    Args:
        change: Unit of the distance. ``"inserted or deleted examples"`` counts insertions plus deletions, so that a
            changed example counts 2. ``"changed examples"`` counts examples that are changed in place, none being
            inserted or deleted. For label flips use `UnchangedLabels`.

    Raises:
        ValueError: If ``change`` is another unit.
    """

    exact_samples = True

    def __init__(
        self, change: Literal["inserted or deleted examples", "changed examples"] = "inserted or deleted examples"
    ) -> None:
        self._distance = counted(self, change, (INSERTED, CHANGED))
        self.change = change
        self.assumptions = phrase(self._distance)

    @property
    def distance(self) -> Distance:
        """Number of changes of the training set, not strict."""
        return self._distance

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Return a copy of ``z``; see `SmoothingMeasure.sample`."""
        is_tensor(self, z=z)
        is_generator(self, generator)
        return z.clone()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of disjoint supports: different training sets differ."""
        return _different(radius)


def _different(radius: float) -> PrivacyLoss:
    """Return the loss of disjoint supports, or no loss at radius 0."""
    return OverlapLoss(1.0 if radius > 0 else 0.0)


def changes_labels(measure: SmoothingMeasure) -> str | None:
    """Return why a measure changes labels, or None if it keeps every label."""
    channel = measure.channel
    if channel is not None and np.array_equal(channel, np.eye(len(channel))):
        return None
    return f"{type(measure).__name__} changes training labels; must be UnchangedLabels"


def changes_examples(measure: SmoothingMeasure) -> str | None:
    """Return why a measure changes a training set, or None if it keeps every example with its label."""
    if isinstance(measure, UnchangedExamples) or changes_labels(measure) is None:
        return None
    return f"{type(measure).__name__} changes training labels; must be UnchangedLabels or UnchangedExamples"
