"""The base class of modules that are not trained any more."""

from typing import Self

from torch import nn


class Frozen(nn.Module):
    """A module that stays in evaluation mode while its parent trains. It must be the first base class."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)
