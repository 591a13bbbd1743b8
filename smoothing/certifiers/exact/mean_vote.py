"""Mean vote under noise, in exact arithmetic."""

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from smoothing.measures.measure import Channel
from smoothing.votes.labels.linear import SCORE_BITS, Scores

Whole = NDArray[Any]
"""Integers without overflow: int64 if they are certain to fit, otherwise Python integers."""


def whole_channel(channel: Channel) -> tuple[Whole, int]:
    """Return the channel as integers over one denominator, exactly."""
    entries, distinct = _entries(channel)
    exact = {place: Fraction(p) for place, p in distinct.items()}
    denominator = int(np.lcm.reduce([p.denominator for p in exact.values()], dtype=object))
    whole = {place: int(p * denominator) for place, p in exact.items()}
    return np.array([whole[id(p)] for p in entries], dtype=object).reshape(channel.shape), denominator


def real_channel(channel: Channel) -> NDArray[np.float64]:
    """Return the channel in float64."""
    entries, distinct = _entries(channel)
    real = {place: float(p) for place, p in distinct.items()}
    return np.array([real[id(p)] for p in entries], np.float64).reshape(channel.shape)


def _entries(channel: Channel) -> tuple[list[Any], dict[int, Any]]:
    """Return the entries row by row, and the distinct objects among them by identity.

    A channel with many classes consists of few objects. Arithmetic with all of its fractions would take seconds.
    """
    entries = channel.ravel().tolist()
    return entries, {id(p): p for p in entries}


def mean_scores(scores: Scores, channel: tuple[Whole, int]) -> Whole:
    """Return the expected scores ``E s_c`` of all classes, times one positive number (THEORY.md 4.2).

    Args:
        scores: Integer scores of a batch.
        channel: Transition matrix in whole numbers, ``(K, K)``, and their denominator.

    Returns:
        ``(batch, K)`` whole numbers.
    """
    matrix, denominator = channel
    # Every row of the matrix sums to the denominator, and weights with offsets stay below 2**SCORE_BITS.
    kind = np.int64 if denominator < 2 ** (62 - SCORE_BITS) else object
    sums, offsets = (part.to(torch.int64).numpy().astype(kind) for part in (scores.class_sums, scores.offsets))
    return np.asarray(sums @ matrix.astype(kind) + offsets * denominator)


def mean_prediction(scores: Scores, channel: Channel) -> NDArray[np.int64]:
    """Return the class with the largest expected score, the first if several are equal; ``(batch,)``."""
    return np.asarray(mean_scores(scores, whole_channel(channel)).argmax(1), np.int64)


def rivals(winner: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Return the other classes of each row, ``(batch, K-1)``, ascending."""
    others = np.arange(num_classes - 1)
    return np.asarray(others + (others >= winner[:, None]), np.int64)
