"""The contract of every guarantee: vote bound in, radius out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import refuse
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented


@dataclass(frozen=True)
class VoteBound:
    """Upper bounds on the votes against the winner, in the log domain (THEORY.md section 3).

    Attributes:
        log_fail: ``(batch,)`` float64, at least ``log(1 - P_A)``: the votes that the winner A does not get.
        log_rival: ``(batch,)`` float64, at least ``log P_c`` for every other class c. At most ``log_fail``.
    """

    log_fail: NDArray[np.float64]
    log_rival: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Raise if the bounds are not two columns of logarithms."""
        columns: dict[str, object] = {"log_fail": self.log_fail, "log_rival": self.log_rival}
        for name, value in columns.items():
            if not (isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1):
                found = f"an array of {value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else value
                refuse(self, name, found, "a float64 NumPy array of shape (batch,)")
            if np.isnan(value).any():
                refuse(self, name, "nan", "logarithms of probabilities")
        if len(self.log_fail) != len(self.log_rival):
            refuse(self, "log_rival", f"{len(self.log_rival)} rows", f"as many as log_fail, {len(self.log_fail)}")

    @classmethod
    def one_sided(cls, log_fail: NDArray[np.float64]) -> "VoteBound":
        """The bound when nothing is known about the rivals but that they share what the winner does not get."""
        return cls(log_fail, log_fail)

    def leads(self) -> NDArray[np.bool_]:
        """Whether the winner is surely ahead of every rival: ``fA + fB < 1``, rounded against it; ``(batch,)``."""
        return np.asarray(np.exp(self.log_fail) + np.exp(self.log_rival) < 1 - 4 * np.finfo(float).eps)


class Guarantee(Represented, ABC):
    """Turns a vote bound into a radius within which the winner cannot change (THEORY.md section 2)."""

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Why this guarantee cannot serve ``measure``, or None where it can."""
        return None

    @abstractmethod
    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> NDArray[np.float64]:
        """Certified radius, rounded down.

        Args:
            measure: The smoothing measure that the votes were taken under.
            bound: Bounds on the votes, ``(batch,)`` each.
            shape: Shape of the object that the measure randomises.

        Returns:
            ``(batch,)`` float64, in units of ``measure.distance``; 0 where nothing is certified.
        """
