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
    orders = [torch.randperm(x.shape[1], generator=generator(key)).to(x.device) for key in keys]
    inputs = torch.stack([some[order] for some, order in zip(x, orders, strict=True)])
    return inputs, by_model(labels, len(x)).gather(1, torch.stack(orders))


def by_model(labels: Tensor, group: int) -> Tensor:
    """Return the labels of each model, ``(group, n)``, given labels ``(n,)`` of all models or ``(group, n)``."""
    return labels.expand(group, labels.shape[-1])
