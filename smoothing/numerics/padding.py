"""Blocks of one shape."""

import torch
from torch import Tensor


def filled(x: Tensor, size: int) -> Tensor:
    """A block, filled up with zeros: operations on it are those on any other block, so that rows keep their bits.

    Args:
        x: Its rows, ``(n, ...)``.
        size: Rows that it shall have, at least n.

    Returns:
        ``(size, ...)``.
    """
    # A copy, always: where numbers lie in memory may change how kernels round.
    return torch.cat([x, x.new_zeros(size - len(x), *x.shape[1:])])
