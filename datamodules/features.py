"""Base class of data modules with feature vectors."""

import torch
from torch import Tensor

from datamodules.base import DataModule


class FeatureModule(DataModule):
    """A data set of finite numbers on any scale."""

    def scaled(self, x: Tensor) -> Tensor:
        """Return the numbers as float32 ``(n, ...)``, without rescaling.

        Raises:
            ValueError: If a number is not finite or exceeds float32.
        """
        if not torch.isfinite(x).all():
            raise ValueError(f"{type(self).__name__}: NaN or infinite value found; must be finite")
        numbers = x.float()
        if not torch.isfinite(numbers).all():
            raise ValueError(f"{type(self).__name__}: {float(x.abs().max())} found; must be within float32")
        return numbers
