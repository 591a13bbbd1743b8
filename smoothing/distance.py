"""How far an adversary may go: the distance in which a radius is measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distance:
    """The distance of a smoothing measure, and what a radius in it promises.

    Attributes:
        norm: Name of the distance, for example ``"l0"`` or ``"l2"``.
        unit: What one unit of the radius is, for example ``"flips"``.
        integer: Whether every distance is a whole number.
        strict: Whether a radius ``R`` promises ``d < R`` only. Otherwise it promises ``d <= R``.
    """

    norm: str
    unit: str
    integer: bool
    strict: bool

    def certified_at(self, radius: NDArray[np.float64], r: float) -> NDArray[np.bool_]:
        """Whether each certified ``radius`` covers every change of size at most ``r``.

        Args:
            radius: Certified radii, any shape.
            r: Size of the change, at least 0.

        Returns:
            Booleans of the shape of ``radius``. A strict distance covers a change of size 0 always.
        """
        return np.asarray(radius >= self.covering(r))

    def covering(self, r: float) -> float:
        """The least radius that covers every change of size at most ``r``: the next number up, if strict."""
        return float(np.nextafter(r, np.inf)) if self.strict and r > 0 else r
