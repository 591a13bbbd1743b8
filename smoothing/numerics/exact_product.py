"""Matrix products without rounding."""

import torch
from torch import Tensor

MANTISSA_BITS = 53


class ExactProduct:
    """Inner products of feature vectors with the rows of a fixed matrix, exact on rounded factors.

    Both factors are rounded to whole numbers so short that float64 adds their products without error. A product is
    then the same to the bit on every machine, in any batch and any order of summation.

    Args:
        rows: ``(n, k)`` float64.

    Attributes:
        rows: ``(n, k)`` the rounded rows, whole numbers, in units of `column_scale`.
        column_scale: ``(k,)`` powers of two.
    """

    def __init__(self, rows: Tensor) -> None:
        k = rows.shape[1]
        self._bits = (MANTISSA_BITS - (k - 1).bit_length()) // 2
        self.column_scale = _power_of_two_above(rows.abs().amax(0)) * 2.0**-self._bits
        self.rows = (rows / self.column_scale).round_()

    def __call__(self, x: Tensor) -> Tensor:
        """``(batch, n)`` products of ``x``, ``(batch, k)`` float64, with every row."""
        balanced = x * self.column_scale
        scale = _power_of_two_above(balanced.abs().amax(1, keepdim=True)) * 2.0**-self._bits
        # Powers of two: scaling the factor gives the bits of scaling the product, without a pass over it.
        return (balanced / scale).round_().mul_(scale) @ self.rows.T


def _power_of_two_above(x: Tensor) -> Tensor:
    """The least power of two above each absolute value; 1 for zero."""
    exponent = torch.where(x == 0, 0, torch.frexp(x).exponent)
    return torch.ldexp(torch.ones_like(x), exponent)
