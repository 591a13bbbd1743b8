"""Examples that the learners of a partition have answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smoothing.collective.examples import AnsweredExamples, Float, Sketch, Whole


class PartExamples(AnsweredExamples):
    """Examples that the learners of a partition have answered. Places are the parts.

    A part that is taken over answers every example as the attacker likes, so the target is chosen for each example.

    Args:
        prediction: Answers, ``(b,)``.
        radius: Number of parts that cannot change each answer, ``(b,)``.
        conditions: For each example, conditions of which one must be met before its answer changes: by how much each
            part can reduce a lead, ``(conditions, parts)``, and the reduction that is needed, ``(conditions,)`` at
            least 1. Both are whole numbers.
    """

    targets = 1

    def __init__(
        self, prediction: Whole, radius: Float, conditions: Sequence[tuple[NDArray[np.float64], Whole]]
    ) -> None:
        self.prediction, self.radius = prediction, radius
        self.places = conditions[0][0].shape[1]
        self._conditions = [(powers.astype(np.int64), needed[:, None]) for powers, needed in conditions]

    def totals(self, multipliers: Whole) -> Whole:
        """Return sums of terms that are rounded up, in integer arithmetic; see `AnsweredExamples.totals`."""
        out = np.zeros((len(multipliers), self.places, 1), np.int64)
        for row, (powers, needed) in enumerate(self._conditions):
            for vector in np.flatnonzero(multipliers[:, row]):
                most = multipliers[vector, row]
                terms = -(-most * np.minimum(powers, needed) // needed)
                out[vector, :, 0] += terms.max(0)
        return out

    def gains(self) -> Float:
        """Return all gains; see `AnsweredExamples.gains`."""
        gains = [np.minimum(powers / needed, 1).max(0) for powers, needed in self._conditions]
        return np.stack(gains)[:, :, None]

    def size(self) -> int:
        """Return the number of parts; see `AnsweredExamples.size`."""
        return self.places

    def sketch(self, stride: int) -> "PartSketch":
        """Return the gains at some parts; see `AnsweredExamples.sketch`."""
        return PartSketch(self.gains()[:, ::stride, 0].astype(np.float32))


@dataclass(frozen=True)
class PartSketch(Sketch):
    """Gains of parts.

    Attributes:
        values: ``(m, parts)`` gains.
    """

    values: NDArray[np.float32]

    @classmethod
    def joined(cls, pieces: Sequence["PartSketch"]) -> "PartSketch":
        """Return the sketch of all examples; see `Sketch.joined`."""
        return cls(np.concatenate([piece.values for piece in pieces]))

    def totals(self, multipliers: Float) -> Float:
        """Return the totals; see `Sketch.totals`."""
        return (multipliers.astype(np.float32) @ self.values)[:, None].astype(np.float64)

    def sums(self, attack: Float) -> Float:
        """Return the sums; see `Sketch.sums`."""
        return (self.values @ attack[:, 0].astype(np.float32)).astype(np.float64)
