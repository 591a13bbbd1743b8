"""Measures with finitely many, equally likely samples."""

from abc import abstractmethod

import torch
from torch import Tensor

from smoothing.arguments import is_generator, is_tensor
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import uniform_integers


class EnumerableMeasure(SmoothingMeasure):
    """A measure with a known number of equally likely samples, called versions of the object.

    Attributes:
        versions: Number of versions, at least 1.
    """

    # One version number is drawn for all coordinates.
    coordinatewise = False
    exact_samples = True
    versions: int

    @abstractmethod
    def version(self, z: Tensor, numbers: Tensor) -> Tensor:
        """Return versions of ``z``.

        Args:
            z: The object, any shape.
            numbers: ``(m,)`` int64 version numbers, from 0, on the device of ``z``.

        Returns:
            ``(m, *z.shape)``, with the dtype and device of ``z``.
        """

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one version of ``z``; see `SmoothingMeasure.sample`."""
        return self.sample_many(z, 1, generator)[0]

    def sample_many(self, z: Tensor, draws: int, generator: torch.Generator) -> Tensor:
        """Draw independent versions of ``z``; see `SmoothingMeasure.sample_many`."""
        is_tensor(self, z=z)
        is_generator(self, generator)
        return self.version(z, uniform_integers(self.versions, (draws,), generator, z.device))
