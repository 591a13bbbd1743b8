"""What training sets and inputs must be."""

import torch
from torch import Tensor

LARGEST_FEATURE = 1e100
"""Largest feature whose square, summed over any data set, is a float64."""


def check_features(whose: str, x: Tensor) -> None:
    """Refuse features that nothing can be computed from.

    Args:
        whose: What they belong to.
        x: The features, any shape.

    Raises:
        ValueError: If one is NaN, infinite or beyond `LARGEST_FEATURE`.
    """
    if not torch.isfinite(x).all():
        raise ValueError(f"features of the {whose}: NaN or infinite value found; must be finite")
    if len(x) and (largest := float(x.abs().max())) > LARGEST_FEATURE:
        raise ValueError(f"features of the {whose}: {largest} found; must be at most {LARGEST_FEATURE}, up or down")


def check_training_set(x: Tensor, labels: Tensor, num_classes: int) -> None:
    """Refuse what cannot be learned from.

    Args:
        x: Training features, ``(n, ...)``.
        labels: ``(n,)`` labels.
        num_classes: Number of classes K.

    Raises:
        ValueError: Unless there are at least two classes and examples, one label for each, all of them finite, labels
            are whole numbers in ``0 .. K-1`` and every class has one; naming the value and what is allowed.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes: {num_classes}; must be at least 2")
    if len(x) != len(labels):
        raise ValueError(f"training set: {len(x)} feature rows and {len(labels)} labels; the counts must be equal")
    if len(x) < 2:
        raise ValueError(f"training set: n = {len(x)}; must be at least 2")
    check_features("training set", x)
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise ValueError("labels of the training set: a value is not a whole number; must be 0 .. K-1")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise ValueError(f"labels of the training set: {bad} found; must be within 0 .. {num_classes - 1}")
    empty = sorted(set(range(num_classes)) - set(labels.long().unique().tolist()))
    if empty:
        raise ValueError(f"labels of the training set: class {empty[0]} has no example; every class must have one")
