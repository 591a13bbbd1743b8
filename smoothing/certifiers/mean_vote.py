"""The noise's mean vote, in exact arithmetic."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.measures.measure import Channel
from smoothing.votes.linear import Scores

Whole = npt.NDArray[np.object_]
"""Python integers of any size, which numpy adds and multiplies without overflow."""


def whole_channel(channel: Channel) -> tuple[Whole, int]:
    """The channel as whole numbers over one denominator, exactly."""
    exact = [[Fraction(p) for p in row] for row in channel]
    denominator = int(np.lcm.reduce([p.denominator for row in exact for p in row], dtype=object))
    return np.array([[int(p * denominator) for p in row] for row in exact], dtype=object), denominator


def mean_scores(scores: Scores, channel: tuple[Whole, int]) -> Whole:
    """Expected scores ``E s_c`` of every class, times one positive number (THEORY.md 4.2).

    Args:
        scores: Integer scores of a batch.
        channel: Transition matrix in whole numbers, ``(K, K)``, and their denominator.

    Returns:
        ``(batch, K)`` whole numbers.
    """
    matrix, denominator = channel
    return np.asarray(to_whole(scores.class_sums) @ matrix + to_whole(scores.offsets) * denominator)


def mean_prediction(scores: Scores, channel: Channel) -> NDArray[np.int64]:
    """The class with the largest expected score, the first of equals; ``(batch,)``."""
    return np.asarray(mean_scores(scores, whole_channel(channel)).argmax(1), np.int64)


def rivals(winner: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """The other classes of each row, ``(batch, K-1)``, ascending."""
    others = np.arange(num_classes - 1)
    return np.asarray(others + (others >= winner[:, None]), np.int64)


def to_whole(values: Tensor) -> Whole:
    """A tensor of whole float64 numbers as Python integers."""
    return values.to(torch.int64).numpy().astype(object)
