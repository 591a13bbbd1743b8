"""Kernel ridge regression."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from smoothing.arguments import instance
from smoothing.numerics.exact_product import SplitProduct
from smoothing.numerics.threads import one_thread
from smoothing.votes.features.transforms import Transform
from smoothing.votes.labels.kernels import Kernel
from smoothing.votes.labels.neighbours import squared_lengths
from smoothing.votes.labels.regularisation import Regularisation
from smoothing.votes.labels.ridge import RidgeVotes

LARGEST = 10_000
"""Largest number of training inputs. Fitting takes about five matrices of n x n float64 numbers: 4 GB."""

ROWS_AT_A_TIME = 64
"""Rows of the kernel matrix that are computed at a time."""


class KernelRidge(RidgeVotes):
    """Kernel ridge regression on one-hot labels: ``w = (G + lambda I)^-1 k(x)`` (Saunders et al. 1998).

    ``G`` is the kernel matrix of the training inputs, ``(n, n)``, and ``k(x)`` their kernel values with ``x``. With the
    kernel ``x.x'`` it is `Ridge` for the same lambda. Weights depend on no label.

    Args:
        kernel: The kernel, on transformed features.
        regularisation: Rule for lambda, applied to ``G`` in place of ``X'X``. The default is `Relative` with factor 1:
            the mean kernel value of a training input with itself.
        transforms: Feature transforms, fitted on the training inputs.
        coding: ``"signed"`` or ``"binary"``; see `RidgeVotes`.

    Raises:
        ValueError: In `fit`, if there are more than 10,000 training inputs, a kernel value is NaN or infinite, the
            system is singular, or ``"binary"`` is used with more than two classes.
    """

    def __init__(
        self,
        kernel: Kernel,
        regularisation: Regularisation | None = None,
        transforms: Sequence[Transform] = (),
        coding: Literal["signed", "binary"] = "signed",
    ) -> None:
        super().__init__(regularisation, transforms, coding)
        instance(self, Kernel, kernel=kernel)
        self.kernel = kernel

    def _fit_inputs(self, x: Tensor, labels: Tensor) -> None:
        """See `LinearVotes`. Too large a training set is refused before the transforms are fitted."""
        if len(x) > LARGEST:
            raise ValueError(
                f"KernelRidge: n = {len(x)}; must be at most {LARGEST}: a matrix of n x n float64 numbers takes "
                f"{8 * len(x) ** 2 / 1e9:.1f} GB, and fitting needs five of them"
            )
        self._check_coding()
        super()._fit_inputs(x, labels)

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self._products = SplitProduct(features)
        self._squares = squared_lengths(features)
        self._width = features.shape[1]
        gram = features.new_empty(len(features), len(features))
        for rows, out in zip(features.split(ROWS_AT_A_TIME), gram.split(ROWS_AT_A_TIME), strict=True):
            out.copy_(self._values(rows))
        if not torch.isfinite(gram).all():
            raise ValueError(f"KernelRidge: kernel = {self.kernel}; must have finite values on the training inputs")
        with one_thread():
            shrunk, axes = self._spectrum(gram, gram, labels)
            self._solution = SplitProduct((axes / shrunk) @ axes.T)

    def _values(self, features: Tensor) -> Tensor:
        """Return kernel values ``(batch, n)`` of features ``(batch, k)`` with the training features."""
        products, squares = self._products(features), squared_lengths(features)
        with one_thread():
            # Each row in a tensor of its own: vectorised functions may differ by the place of a number in memory.
            rows = zip(products, squares, strict=True)
            return torch.cat([self._row(products.clone()[None], square[None, None]) for products, square in rows])

    def _row(self, products: Tensor, square: Tensor) -> Tensor:
        return self.kernel.values(products, square, self._squares, self._width)

    def weights(self, features: Tensor) -> Tensor:
        """Return ``w = (G + lambda I)^-1 k``, ``(batch, n)``, of test features ``(batch, k)``."""
        return self._solution(self._values(features))
