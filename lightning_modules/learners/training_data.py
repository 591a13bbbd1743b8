"""What learners do to a training set and the inputs to predict before anything else."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.numerics.random import generator


def standardised(x: Tensor, tests: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs less the mean of all values of a training set, over their standard deviation.

    Both are of the randomised training set, which is all that a learner knows (THEORY.md section 6).

    Args:
        x: Training sets, ``(group, n, ...)``.
        tests: Inputs to predict, ``(group, m, ...)``.
    """
    shape = (len(x), *[1] * (x.ndim - 1))
    # One after the other, so that a model's sums do not depend on where it stands.
    mean = torch.stack([some.mean() for some in x]).view(shape)
    scale = torch.stack([some.std() for some in x]).view(shape)
    scale = scale.masked_fill(scale == 0, 1)
    return (x - mean) / scale, (tests - mean) / scale


def shuffled(x: Tensor, labels: Tensor, keys: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Each training set in an order of its own.

    Args:
        x: Training sets, ``(group, n, ...)``.
        labels: ``(n,)`` labels.
        keys: Key of each order.

    Returns:
        ``(group, n, ...)`` and ``(group, n)``.
    """
    orders = [torch.randperm(len(labels), generator=generator(key)).to(x.device) for key in keys]
    return torch.stack([some[order] for some, order in zip(x, orders, strict=True)]), labels[torch.stack(orders)]
