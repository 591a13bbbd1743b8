"""Contract of guarantees, and the vote bound that they take."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import refuse_words
from smoothing.measures.measure import SmoothingMeasure
from smoothing.representation import Represented


@dataclass(frozen=True)
class VoteBound:
    """Upper bounds on the votes against the predicted class A, as logarithms (THEORY.md section 3).

    Attributes:
        log_fail: ``(batch,)`` float64 upper bounds on ``log(1 - p_A)``.
        log_rival: ``(batch,)`` float64 upper bounds on ``log p_c`` of every other class c, at most ``log_fail``.

    Raises:
        ValueError: If a bound is not a float64 array of shape ``(batch,)`` or has NaN entries.
    """

    log_fail: NDArray[np.float64]
    log_rival: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Raise if the bounds are not two float64 arrays of one length without NaN."""
        columns: dict[str, object] = {"log_fail": self.log_fail, "log_rival": self.log_rival}
        for name, value in columns.items():
            if not (isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1):
                found = f"an array of {value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else value
                refuse_words(self, name, str(found), "a float64 NumPy array of shape (batch,)")
            if np.isnan(value).any():
                refuse_words(self, name, "nan", "logarithms of probabilities")
        if len(self.log_fail) != len(self.log_rival):
            refuse_words(self, "log_rival", f"{len(self.log_rival)} rows", f"as many as log_fail, {len(self.log_fail)}")

    @classmethod
    def one_sided(cls, log_fail: NDArray[np.float64]) -> "VoteBound":
        """Return the bound without separate information on rivals: ``p_c <= 1 - p_A``."""
        return cls(log_fail, log_fail)

    def leads(self) -> NDArray[np.bool_]:
        """Return whether ``fA + fB < 1``, so that A is ahead of every rival, ``(batch,)``. Rounded towards False."""
        return np.asarray(np.exp(self.log_fail) + np.exp(self.log_rival) < 1 - 4 * np.finfo(float).eps)


class Guarantee(Represented, ABC):
    """A rule that converts a vote bound into a certified radius (THEORY.md section 2)."""

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why the guarantee does not support ``measure``, or None if it does.

        The default refuses measures that randomise several objects: a radius alone does not say how far the others may
        change.
        """
        if measure.beside:
            return f"{type(measure).__name__} randomises several objects; must be the guarantee JointNeymanPearson"
        return None

    def split(self, measure: SmoothingMeasure) -> "dict[str, Guarantee]":
        """Return guarantees that each give one radius, by name. A guarantee of one radius returns itself, named ``""``.

        A run has one certifier for each of them: one row of an example and one curve.
        """
        return {"": self}

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return assumptions of the radii that depend on the measure, one phrase each."""
        return ()

    def leads(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> NDArray[np.bool_]:
        """Return whether the prediction itself is certified, at radius 0, ``(batch,)``; see `VoteBound.leads`."""
        return bound.leads()

    @abstractmethod
    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> NDArray[np.float64]:
        """Return certified radii, rounded down.

        Args:
            measure: Smoothing measure of the votes.
            bound: Bounds on the votes, ``(batch,)`` each.
            shape: Shape of the object that the measure randomises.

        Returns:
            ``(batch,)`` float64, in units of ``measure.distance``; 0 where nothing is certified.
        """
