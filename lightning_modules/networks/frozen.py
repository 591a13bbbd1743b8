"""Modules that are trained and not changed any more."""

from typing import Any, Self

import torch
from torch import Tensor, nn

DIFFERENCE = {torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 0.1}
"""Largest share of the largest output by which rounding may change a row when other rows of its batch change."""


class Frozen(nn.Module):
    """A module that stays in evaluation mode when the module around it is trained; named first among bases."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)


class RowByRow(nn.Module):
    """A module that maps each row of a batch by itself; its first call with several rows checks that.

    Batch norm that stays in training mode, for example, makes rows depend on each other: draws that share a batch are
    then not independent, and features depend on the other examples (THEORY.md section 5).
    """

    _checked = False

    def __call__(self, x: Tensor, *others: Any) -> Any:
        """Return the output of `forward`.

        Args:
            x: Inputs, ``(batch, ...)``.
            others: Further arguments of `forward`.

        Raises:
            ValueError: If the output for a row changes, beyond rounding, with the other rows of its batch.
        """
        found = super().__call__(x, *others)
        if len(x) > 1 and not self._checked:
            # The batch keeps its shape and the first row its place, so that kernels round alike.
            beside = x[:1].expand_as(x).clone()
            if torch.equal(beside, x):
                beside[1:] = 0
            with torch.no_grad():
                self._compare(found[0], super().__call__(beside, *others)[0])
            self._checked = True
        return found

    def _compare(self, row: Tensor, again: Tensor) -> None:
        allowed = DIFFERENCE.get(row.dtype, 1e-3) * row.abs().max()
        if row.isfinite().all() and not (row - again).abs().max() <= allowed:
            raise ValueError(
                f"{type(self).__name__}: the output for an input depends on the other inputs of its batch; must not. "
                "For example, a batch norm stays in training mode"
            )
