"""Modules that are trained and now stay as they are."""

from typing import Self

from torch import nn


class Frozen(nn.Module):
    """A module that stays in evaluation mode, whatever the module around it does; named first among bases."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)
