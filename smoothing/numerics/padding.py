"""Padding of blocks to a fixed size."""

import torch
from torch import Tensor


def filled(x: Tensor, size: int) -> Tensor:
    """Return a block padded with zero rows. With a fixed size, results of a row do not depend on the number of rows.

    Args:
        x: Rows, ``(n, ...)``.
        size: Number of rows of the result, at least n.

    Returns:
        ``(size, ...)``.
    """
    # Always a copy: the memory layout may change how kernels round.
    return torch.cat([x, x.new_zeros(size - len(x), *x.shape[1:])])
