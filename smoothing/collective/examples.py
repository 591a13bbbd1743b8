"""Blocks of answered examples, and what a change of the training set does to all of them together."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT_BITS = 36
"""Multipliers are whole numbers of units of ``2**-UNIT_BITS``."""

UNIT = 2**UNIT_BITS

MOST_EXAMPLES = 2**26
"""Largest number of examples: sums of multipliers then fit into int64."""

OUTWARD = 1 + 2.0**-50
"""Factor that makes up for the rounding of four float64 operations."""

Whole = NDArray[np.int64]
Float = NDArray[np.float64]


class AnsweredExamples(ABC):
    """A block of examples that a vote has answered (THEORY.md 4.9).

    An attack is a set of changes. Each change has a place, for example a training label, and a target, for example its
    new class. A change at place ``j`` with target ``c`` has the gain ``g_ij(c)`` within [0, 1] on example ``i``. The
    answer to an example can only change if the gains of all changes sum to at least 1.

    Attributes:
        prediction: Answers, ``(b,)`` int64.
        radius: Largest number of changes that cannot alter each answer, ``(b,)`` float64.
        places: Number of places.
        targets: Number of targets of a place; 1 if a target may be chosen for each example separately.
    """

    prediction: Whole
    radius: Float
    places: int
    targets: int

    @abstractmethod
    def totals(self, multipliers: Whole) -> Whole:
        """Return upper bounds on ``sum_i l_i g_ij(c)`` in units of ``1 / UNIT``, as exact sums of one term an example.

        A term depends on its example and multiplier alone, so that totals of blocks add up to the same numbers in any
        order.

        Args:
            multipliers: ``(vectors, b)`` within ``0 .. UNIT``.

        Returns:
            ``(vectors, places, targets)`` int64.
        """

    @abstractmethod
    def gains(self) -> Float:
        """Return ``g_ij(c)`` of all examples to working precision, ``(b, places, targets)``, for small problems."""

    @abstractmethod
    def sketch(self, stride: int) -> "Sketch":
        """Return the gains in a compact form, for the search for multipliers.

        Args:
            stride: Every ``stride``-th place is kept.
        """

    @abstractmethod
    def size(self) -> int:
        """Return the number of values of an example in a sketch with a stride of 1."""


class Sketch(ABC):
    """Gains of all examples to low precision, at all places or at evenly spaced ones.

    No bound depends on it. It serves to find multipliers, and every choice of multipliers gives a valid bound.
    """

    @classmethod
    @abstractmethod
    def joined(cls, pieces: Sequence[Any]) -> "Sketch":
        """Return the sketch of all examples of some pieces, in order."""

    @abstractmethod
    def totals(self, multipliers: Float) -> Float:
        """Return ``sum_i l_i g_ij(c)``, ``(kept places, targets)``, given ``(m,)`` multipliers."""

    @abstractmethod
    def sums(self, attack: Float) -> Float:
        """Return the sum of the gains of an attack on each example, ``(m,)``.

        Args:
            attack: Weight of each change, ``(kept places, targets)``.
        """
