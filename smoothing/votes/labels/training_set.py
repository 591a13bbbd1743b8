"""Conversion and checks of training sets and features."""

from math import isfinite
from operator import index as as_integer

import torch
from torch import Tensor

from smoothing.votes.arrays import Arrays, as_tensor, whole_numbers

LARGEST_FEATURE = 1e100
"""Largest absolute feature. The sum of its squares over any data set is finite in float64."""


def checked_features(name: str, x: Arrays, width: int | None = None) -> Tensor:
    """Check features, and return them as a tensor.

    Args:
        name: Name of the inputs, for messages.
        x: Features of each input, ``(n, ...)``.
        width: Number of features of an input; any number by default.

    Raises:
        ValueError: If inputs have another number of features, or a feature is NaN, infinite or beyond
            `LARGEST_FEATURE`.
    """
    features = as_tensor(f"features of the {name}", x)
    if features.ndim < 2:
        raise ValueError(f"features of the {name}: shape {list(features.shape)}; must be (n, ...), one row per input")
    found = features.shape[1:].numel()
    if width not in (None, found):
        raise ValueError(f"features of the {name}: {found} per input; must be {width}, as in the training set")
    # One pass without a temporary array, which for a large training set would be as large as the set.
    numbers = features.byte() if features.dtype == torch.bool else features
    low, high = map(float, torch.aminmax(numbers)) if numbers.numel() else (0.0, 0.0)
    if not (isfinite(low) and isfinite(high)):
        raise ValueError(f"features of the {name}: NaN or infinite value found; must be finite")
    if (largest := max(-low, high)) > LARGEST_FEATURE:
        raise ValueError(f"features of the {name}: {largest} found; must be at most {LARGEST_FEATURE}, up or down")
    return features


def checked_training_set(x: Arrays, labels: Arrays, num_classes: int) -> tuple[Tensor, Tensor]:
    """Check a training set, and return it as tensors.

    Args:
        x: Training features, ``(n, ...)``.
        labels: ``(n,)`` labels.
        num_classes: Number of classes K.

    Returns:
        Features, and labels as int64.

    Raises:
        ValueError: Unless there are at least two classes and two examples, one label per example, all features are
            finite, all labels are whole numbers in ``0 .. K-1``, and every class has an example. The message contains
            the value and what is allowed.
    """
    try:
        classes = as_integer(num_classes)
    except TypeError:
        raise ValueError(f"num_classes: {num_classes!r}; must be a whole number") from None
    if classes < 2:
        raise ValueError(f"num_classes: {classes}; must be at least 2")
    features = as_tensor("features of the training set", x)
    targets = whole_numbers("labels of the training set", labels, f"whole numbers 0 .. {classes - 1}")
    if features.ndim < 2:
        raise ValueError(f"features of the training set: shape {list(features.shape)}; must be (n, ...)")
    if len(features) != len(targets):
        raise ValueError(
            f"training set: {len(features)} feature rows and {len(targets)} labels; the counts must be equal"
        )
    if len(features) < 2:
        raise ValueError(f"training set: n = {len(features)}; must be at least 2")
    checked_features("training set", features)
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        bad = low if low < 0 else high
        raise ValueError(f"labels of the training set: {bad} found; must be within 0 .. {classes - 1}")
    empty = sorted(set(range(classes)) - set(targets.unique().tolist()))
    if empty:
        raise ValueError(f"labels of the training set: class {empty[0]} has no example; every class must have one")
    return features, targets
