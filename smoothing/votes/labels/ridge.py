"""Ridge regression on fixed features."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from smoothing.numerics.exact_product import ExactProduct
from smoothing.numerics.threads import batchwise, one_thread, spread
from smoothing.votes.features.transforms import Transform, fit_all
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.labels.regularisation import Regularisation, Relative

LARGE = 2**28
"""Entries of a training set from which it is read block by block; its Gram matrix is then summed in another order."""

BLOCK = 2**22
"""Entries of a training set that are read at a time."""

BLOCKS_AT_A_TIME = 8
"""Blocks whose Gram matrices are in memory together."""


class RidgeVotes(LinearVotes):
    """Base class of ridge regression on one-hot labels.

    Args:
        regularisation: Rule for lambda; `Relative` with factor 1 by default.
        transforms: Feature transforms, fitted on the training inputs.
        coding: ``"signed"`` predicts the class with the largest score, which for two classes is least squares on
            labels -1 and +1. ``"binary"`` is the rule of Rosenfeld et al. (2020) for two classes, labels 0 and 1 with
            the threshold one half: the offset ``1 - sum w`` on class 0 (THEORY.md section 4).

    Attributes:
        ridge: Lambda, after `fit`.
    """

    def __init__(
        self,
        regularisation: Regularisation | None = None,
        transforms: Sequence[Transform] = (),
        coding: Literal["signed", "binary"] = "signed",
    ) -> None:
        super().__init__(transforms)
        self.regularisation = regularisation or Relative(1.0)
        self.coding = coding
        self.assumptions = self.regularisation.assumptions

    def _check_coding(self) -> None:
        if self.coding == "binary" and self.num_classes != 2:
            raise ValueError(
                f"{type(self).__name__}: coding = binary with {self.num_classes} classes; must be signed unless K = 2"
            )

    def _spectrum(self, gram: Tensor, features: Tensor, labels: Tensor, zeros: int = 0) -> tuple[Tensor, Tensor]:
        """Return the eigenvalues of a Gram matrix plus lambda, ``(k,)``, and its axes, ``(k, k)``.

        Args:
            gram: Gram matrix, ``(k, k)``. Its lower triangle is used.
            features: Features for rules that read them, ``(n, k)``.
            labels: Labels for rules that read them, ``(n,)``.
            zeros: Number of further eigenvalues, which are 0, of the matrix that lambda is added to.

        Raises:
            ValueError: If the system is singular.
        """
        eigenvalues, axes = torch.linalg.eigh(gram)
        eigenvalues = eigenvalues.clamp(min=0)
        every = torch.cat([eigenvalues.new_zeros(zeros), eigenvalues])
        # A rule without assumptions gets no labels, so that lambda cannot depend on them.
        shown = labels if self.regularisation.assumptions else labels[:0]
        self.ridge = self.regularisation.value(every, features, shown)
        shrunk = eigenvalues + self.ridge
        if every[0] + self.ridge <= shrunk[-1] * len(every) * torch.finfo(shrunk.dtype).eps:
            name = type(self).__name__
            raise ValueError(f"{name}: singular system with lambda = {self.ridge}; must be regularised more")
        return shrunk, axes

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        """Return zeros for signed coding, and ``1 - sum w`` on class 0 for the binary rule."""
        offsets = super().offsets(features, weights)
        if self.coding == "binary":
            # Row by row on one thread: the order of the sum must not depend on the number of rows.
            with one_thread():
                offsets[:, 0] = 1 - torch.stack([row.sum() for row in weights])
        return offsets


class Ridge(RidgeVotes):
    """Ridge regression on one-hot labels: ``w = X (X'X + lambda I)^-1 h(x)`` (Rosenfeld et al. 2020, Algorithm 1).

    Args:
        regularisation: Rule for lambda; `Relative` with factor 1 by default.
        transforms: Feature transforms, fitted on the training inputs.
        coding: ``"signed"`` or the paper's ``"binary"``; see `RidgeVotes`.

    Raises:
        ValueError: In `fit`, if the system is singular and lambda is 0, or if ``"binary"`` is used with more than two
            classes.
    """

    def _fit_inputs(self, x: Tensor, labels: Tensor) -> None:
        """See `LinearVotes`. A large training set is read block by block, if transforms and lambda allow it.

        Then memory holds one float32 copy of it, the rounded rows of the product, and `x` may be a memory map.
        """
        fixed = all(transform.reads == "nothing" for transform in self.transforms)
        if x.numel() < LARGE or not fixed or self.regularisation.reads_features or self.coding == "binary":
            super()._fit_inputs(x, labels)
            return
        step = max(1, BLOCK // x.shape[1])
        blocks = x.split(step)

        def features_of(block: Tensor) -> Tensor:
            return fit_all(self.transforms, block.double())

        def gram_of(block: Tensor) -> Tensor:
            features = features_of(block)
            return (features.T @ features)[None]

        gram = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64, device=x.device)
        for first in range(0, len(blocks), BLOCKS_AT_A_TIME):
            # Each block on one thread and the blocks in their order: the same bits on any number of threads.
            for part in batchwise(gram_of, blocks[first : first + BLOCKS_AT_A_TIME]):
                gram += part
        with one_thread():
            shrunk, axes = self._spectrum(gram, x[:0], labels)
            inverse = (axes / shrunk) @ axes.T
        # In units of a bound on the products, so that none leaves single precision.
        unit = float(inverse.abs().max()) * float(gram.diagonal().max()) ** 0.5 * x.shape[1]
        rows = torch.empty(x.shape, dtype=torch.float32, device=x.device)

        def work(some: slice) -> None:
            rows[some] = (features_of(x[some]) @ (inverse / unit)).float()

        spread(work, len(x), step, x.device)
        self._product = ExactProduct(rows)

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self._check_coding()
        with one_thread():
            if len(features) < features.shape[1]:
                # (X X' + lambda I)^-1 X, the same matrix from a smaller system.
                shrunk, axes = self._spectrum(
                    features @ features.T, features, labels, zeros=features.shape[1] - len(features)
                )
                self._product = ExactProduct((axes / shrunk) @ (axes.T @ features))
            else:
                shrunk, axes = self._spectrum(features.T @ features, features, labels)
                self._product = ExactProduct(features @ (axes / shrunk) @ axes.T)

    def weights(self, features: Tensor) -> Tensor:
        """Return ``w = X (X'X + lambda I)^-1 h``, ``(batch, n)``, for test features ``h``, ``(batch, k)``."""
        return self._product(features)
