"""A check that a function treats each row of a batch independently of the others."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

ROWS = 4
"""Rows that are compared, unless the batches of a function are smaller."""


def check_rowwise(
    name: str, module: nn.Module, function: Callable[[Tensor], Tensor], rows: Tensor, others: Tensor | None = None
) -> None:
    """Raise if the output of a row depends on its position, on other rows, or on earlier calls.

    The function is called on batches that contain the same rows at different positions with different neighbours:
    ``[rows, rows]`` and ``[others, rows reversed]``. Rounding may differ between positions, by a few units in the last
    place of each layer. The tolerance is half of the digits of the coarsest type among weights and outputs:
    ``sqrt(eps)`` times the range of the outputs. Batch statistics and random numbers change outputs by far more.

    Args:
        name: Name of the function, for the message.
        module: The module behind the function.
        function: Maps a batch ``(2 k, ...)`` to ``(2 k, ...)`` floating point.
        rows: Rows to compare, ``(k, ...)``.
        others: Different neighbours, ``(k, ...)``; by default ``1 - 4 rows`` and ``1 + 4 rows``, with another mean and
            scale.

    Raises:
        ValueError: If the outputs of a row differ by more than rounding.
    """
    neighbours = (1 - 4 * rows, 1 + 4 * rows) if others is None else (others,)
    k = len(rows)
    with torch.no_grad():
        first = function(torch.cat([rows, rows]))
        again = [function(torch.cat([some, rows.flip(0)]))[k:].flip(0).double() for some in neighbours]
    types = {tensor.dtype for tensor in (first, *module.parameters()) if tensor.is_floating_point()}
    eps = max((torch.finfo(dtype).eps for dtype in types), default=0.0)
    first = first.double()
    finite = first[first.isfinite()]
    tolerance = eps**0.5 * float(finite.max() - finite.min()) if finite.numel() else 0.0
    for compared in (first[k:], *again):
        close = torch.isclose(compared, first[:k], rtol=0, atol=tolerance, equal_nan=True)
        if not close.all():
            change = float((compared - first[:k])[~close].abs().max())
            raise ValueError(
                f"{name}: output of a row changes by {change:.3g} with other rows in the batch, its position or the "
                f"call; must depend on that row alone, up to {tolerance:.3g} of rounding: no batch statistics, no "
                "dropout, no other random numbers"
            )
