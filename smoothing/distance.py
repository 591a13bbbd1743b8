"""Distances in which radii are measured."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distance:
    """The distance of a smoothing measure, and the meaning of a radius in it.

    Attributes:
        norm: Name of the distance, for example ``"l0"`` or ``"l2"``.
        unit: Unit of the radius, for example ``"flips"``.
        integer: Whether all distances are whole numbers.
        strict: Whether a radius ``R`` certifies only ``d < R``. Otherwise it certifies ``d <= R``.
    """

    norm: str
    unit: str
    integer: bool
    strict: bool

    def certified_at(self, radius: NDArray[np.float64], r: float) -> NDArray[np.bool_]:
        """Return whether each ``radius`` certifies all changes of size at most ``r``.

        Args:
            radius: Certified radii, any shape.
            r: Size of the change, at least 0.

        Returns:
            Booleans of the shape of ``radius``. A change of size 0 is always certified by a strict distance.
        """
        return np.asarray(radius >= self.covering(r))

    def covering(self, r: float) -> float:
        """Return the smallest radius that certifies all changes of size at most ``r``: the next float64 if strict."""
        return float(np.nextafter(r, np.inf)) if self.strict and r > 0 else r


FLIPS = Distance("l0", "flips", integer=True, strict=False)
"""Number of changed training labels."""

CHANGED = Distance("l0", "changed examples", integer=True, strict=False)
"""Number of training examples that are changed in place, inputs, labels or both. None is inserted or deleted."""

INSERTED = Distance("symmetric difference", "inserted or deleted examples", integer=True, strict=False)
"""Number of inserted training examples plus number of deleted ones. A changed example counts 2."""

Change = Literal["flips", "changed examples", "inserted or deleted examples"]
"""Units of these distances between training sets. Their radii are never compared or mixed."""
