"""Matrix products without rounding errors."""

import torch
from torch import Tensor

MANTISSA_BITS = 53


class ExactProduct:
    """Inner products of feature vectors with the rows of a fixed matrix, exact for rounded factors.

    Both factors are rounded to whole numbers with so few bits that float64 sums their products without error. Products
    therefore have the same bits on every machine, in any batch and any order of summation.

    Args:
        rows: ``(n, k)`` float64.

    Attributes:
        rows: ``(n, k)`` rounded rows, whole numbers, in units of `column_scale`.
        column_scale: ``(k,)`` powers of two.
    """

    def __init__(self, rows: Tensor) -> None:
        k = rows.shape[1]
        self._bits = (MANTISSA_BITS - (k - 1).bit_length()) // 2
        self.column_scale = _power_of_two_above(rows.abs().amax(0)) * 2.0**-self._bits
        self.rows = (rows / self.column_scale).round_()

    def __call__(self, x: Tensor) -> Tensor:
        """Return products ``(batch, n)`` of ``x``, ``(batch, k)`` float64, with every row."""
        balanced = x * self.column_scale
        scale = _power_of_two_above(balanced.abs().amax(1, keepdim=True)) * 2.0**-self._bits
        product = (balanced / scale).round_() @ self.rows.T
        return product.mul_(scale)


def _power_of_two_above(x: Tensor) -> Tensor:
    """Return the smallest power of two above each absolute value; 1 for zero."""
    exponent = torch.where(x == 0, 0, torch.frexp(x).exponent)
    return torch.ldexp(torch.ones_like(x), exponent)
