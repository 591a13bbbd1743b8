"""What every training set must be."""

import torch
from torch import Tensor

LARGEST_FEATURE = 1e100
"""Largest feature whose square, summed over any data set, is a float64."""


def check_training_set(x: Tensor, labels: Tensor, num_classes: int) -> None:
    """Refuse what is no training set.

    Args:
        x: Training inputs, ``(n, ...)``.
        labels: ``(n,)`` labels.
        num_classes: Number of classes K.

    Raises:
        ValueError: If inputs are not finite or above `LARGEST_FEATURE`, labels are not whole numbers within
            ``0 .. K-1``, a class has no example, or the counts differ, naming what was found.
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


def check_features(whose: str, x: Tensor) -> None:
    """Refuse features that float64 cannot add up.

    Args:
        whose: What they are features of.
        x: The features, any shape.

    Raises:
        ValueError: If one is NaN, infinite or above `LARGEST_FEATURE`, up or down.
    """
    if not torch.isfinite(x).all():
        raise ValueError(f"features of the {whose}: NaN or infinite value found; must be finite")
    if len(x) and (largest := float(x.abs().max())) > LARGEST_FEATURE:
        raise ValueError(f"features of the {whose}: {largest} found; must be at most {LARGEST_FEATURE}, up or down")
