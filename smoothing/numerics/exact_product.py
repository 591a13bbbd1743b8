"""Matrix products with the same bits in any batch and order of summation."""

import numpy as np
import torch
from torch import Tensor

from smoothing.numerics.threads import spread

MANTISSA_BITS = 53

BLOCK = 2**17
"""Entries of the matrix converted to float64 at a time: few enough to stay in a core's cache."""


class ExactProduct:
    """Inner products of feature vectors with the rows of a fixed matrix, exact on rounded factors.

    Both factors are rounded to whole numbers so short that float64 adds their products without error. A product is
    then the same to the bit on every machine, in any batch and any order of summation.

    Args:
        rows: ``(n, k)`` float64, or float32 to round in place.

    Attributes:
        rows: ``(n, k)`` the rounded rows, whole numbers, in units of `column_scale`; float32 where that holds them
            exactly, otherwise float64.
        column_scale: ``(k,)`` float64 powers of two.
    """

    def __init__(self, rows: Tensor) -> None:
        k = rows.shape[1]
        self._bits = (MANTISSA_BITS - (k - 1).bit_length()) // 2
        largest = torch.linalg.vector_norm(rows, torch.inf, 0).double()
        self.column_scale = _power_of_two_above(largest) * 2.0**-self._bits
        exact = 2.0**self._bits <= 1 / torch.finfo(torch.float32).eps * 2
        self.rows = (
            rows if rows.dtype == torch.float32 else rows.new_empty(rows.shape, dtype=torch.float32 if exact else None)
        )
        for part, rounded in zip(*(of.split(_rows_at_a_time(k)) for of in (rows, self.rows)), strict=True):
            rounded.copy_((part.double() / self.column_scale).round_())

    def _rounded(self, x: Tensor) -> Tensor:
        """Return ``x`` times `column_scale`, each row rounded to short whole numbers times a power of two."""
        balanced = x * self.column_scale
        scale = _power_of_two_above(balanced.abs().amax(1, keepdim=True)) * 2.0**-self._bits
        # Powers of two: scaling the factor gives the bits of scaling the product, without a pass over it.
        return (balanced / scale).round_().mul_(scale)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the products of ``x``, ``(batch, k)`` float64, with every row, ``(batch, n)`` float64."""
        return self._times(self._rounded(x))

    def _times(self, factor: Tensor) -> Tensor:
        """Return the products of rounded vectors, ``(batch, k)``, with every row, ``(batch, n)``."""
        product = _uninitialised(len(factor), len(self.rows), factor.device)

        def work(some: slice) -> None:
            torch.matmul(factor, self.rows[some].double().T, out=product[:, some])

        spread(work, len(self.rows), _rows_at_a_time(self.rows.shape[1]), factor.device)
        return product


class SplitProduct:
    """Inner products of feature vectors with the rows of a fixed matrix, to twice the bits of `ExactProduct`.

    Both factors are sums of a rounded high part and a low part. Each of the three products of parts is exact on rounded
    factors, and they are added in one order: the bits are the same in any batch.

    Args:
        rows: ``(n, k)`` float64.
    """

    def __init__(self, rows: Tensor) -> None:
        self._high = ExactProduct(rows)
        self._low = ExactProduct(rows - self._high.rows.double() * self._high.column_scale)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the products of ``x``, ``(batch, k)`` float64, with every row, ``(batch, n)`` float64."""
        factor = self._high._rounded(x)
        high = factor / self._high.column_scale
        small = self._low(high) + self._high(x - high)
        return self._high._times(factor) + small


def _uninitialised(rows: int, columns: int, device: torch.device) -> Tensor:
    """Return memory for ``(rows, columns)`` float64 numbers."""
    if device.type != "cpu":
        return torch.empty(rows, columns, dtype=torch.float64, device=device)
    # NumPy asks the operating system for huge pages. Mapping small ones takes as long as the product.
    return torch.from_numpy(np.empty((rows, columns)))


def _rows_at_a_time(width: int) -> int:
    return max(1, BLOCK // max(1, width))


def _power_of_two_above(x: Tensor) -> Tensor:
    """Return the least power of two above each absolute value; 1 for zero."""
    exponent = torch.where(x == 0, 0, torch.frexp(x).exponent)
    return torch.ldexp(torch.ones_like(x), exponent)
