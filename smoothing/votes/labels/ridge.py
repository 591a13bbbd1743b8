"""Ridge regression on fixed features."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from smoothing.numerics.exact_product import ExactProduct
from smoothing.numerics.threads import one_thread
from smoothing.votes.features.transforms import Transform
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.labels.regularisation import Regularisation, Relative


class Ridge(LinearVotes):
    """Ridge regression on one-hot labels: ``w = X (X'X + lambda I)^-1 h(x)`` (Rosenfeld et al. 2020, Algorithm 1).

    Args:
        regularisation: Rule for lambda; `Relative` with factor 1 by default.
        transforms: Feature transforms, fitted on the training inputs.
        coding: ``"signed"`` predicts the class with the largest score, which for two classes is least squares on
            labels -1 and +1. ``"binary"`` is the paper's rule for two classes, labels 0 and 1 with the threshold one
            half: the offset ``1 - sum w`` on class 0 (THEORY.md section 4).

    Raises:
        ValueError: In `fit`, if the system is singular and lambda is 0, or if ``"binary"`` is used with more than two
            classes.
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

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        if self.coding == "binary" and self.num_classes != 2:
            raise ValueError(f"Ridge: coding = binary with {self.num_classes} classes; must be signed unless K = 2")
        with one_thread():
            eigenvalues, axes = torch.linalg.eigh(features.T @ features)
            eigenvalues = eigenvalues.clamp(min=0)
            self.ridge = self.regularisation.value(eigenvalues, features, labels)
            shrunk = eigenvalues + self.ridge
            if shrunk[0] <= shrunk[-1] * len(shrunk) * torch.finfo(shrunk.dtype).eps:
                raise ValueError(f"Ridge: singular system with lambda = {self.ridge}; must be regularised more")
            self._product = ExactProduct(features @ (axes / shrunk) @ axes.T)

    def weights(self, features: Tensor) -> Tensor:
        """Return ``w = X (X'X + lambda I)^-1 h``, ``(batch, n)``, for test features ``h``, ``(batch, k)``."""
        return self._product(features)

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        """Return zeros for signed coding, and ``1 - sum w`` on class 0 for the binary rule."""
        offsets = super().offsets(features, weights)
        if self.coding == "binary":
            # Row by row on one thread: the order of the sum must not depend on the number of rows.
            with one_thread():
                offsets[:, 0] = 1 - torch.stack([row.sum() for row in weights])
        return offsets
