"""Preprocessing of training sets and inputs for learners."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.numerics.random import generator


def standardised(x: Tensor, tests: Tensor) -> tuple[Tensor, Tensor]:
    """Standardise inputs by mean and standard deviation of all values of a training set.

    Both are computed from the randomised training set, the only one that a learner may use (THEORY.md section 6).

    Args:
        x: Training sets, ``(group, n, ...)``.
        tests: Inputs to predict, ``(group, m, ...)``.
    """
    shape = (len(x), *[1] * (x.ndim - 1))
    # One model after the other, so that its sums do not depend on its position.
    mean = torch.stack([some.mean() for some in x]).view(shape)
    scale = torch.stack([some.std() for some in x]).view(shape)
    scale = scale.masked_fill(scale == 0, 1)
    return (x - mean) / scale, (tests - mean) / scale


def shuffled(x: Tensor, labels: Tensor, keys: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Shuffle each training set by its own key.

    Args:
        x: Training sets, ``(group, n, ...)``.
        labels: Labels, ``(n,)`` or ``(group, n)``.
        keys: Key of each order.

    Returns:
        Inputs ``(group, n, ...)`` and labels ``(group, n)``.
    """
    orders = torch.stack([torch.randperm(x.shape[1], generator=generator(key)) for key in keys]).to(x.device)
    own = labels.expand(x.shape[:2]).gather(1, orders.to(labels.device))
    return torch.stack([some[order] for some, order in zip(x, orders, strict=True)]), own
