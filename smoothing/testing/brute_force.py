"""The truth at tiny sizes, by going through all ``K**n`` label vectors.

Label vectors are numbered as digits: vector ``v`` gives label ``v // K**(n-1-j) % K`` to training point ``j``. Feasible
up to about 100,000 of them: n = 16 for two classes, 10 for three.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import SmoothedClassifier
from smoothing.measures.measure import Channel
from smoothing.votes.labels.linear import Scores

Float = NDArray[np.float64]
Array = NDArray[Any]

MOST_VECTORS = 10**6
"""Largest number of label vectors that are gone through."""

LEAD = 1e-12
"""Lead in probability below which a float64 sum does not say who is ahead."""


def combine(operation: np.ufunc, tables: Sequence[Array]) -> Array:
    """Reduce one entry of every table, for all label vectors.

    Args:
        operation: A binary operation.
        tables: For each training point, an array ``(K,)`` with one entry for each label it may have.

    Returns:
        ``(K**n,)`` array in the order of label vectors.
    """
    return reduce(lambda left, right: operation.outer(left, right).ravel(), tables)


def all_labels(n: int, num_classes: int) -> NDArray[np.int64]:
    """``(K**n, n)`` all label vectors."""
    return np.stack(np.unravel_index(np.arange(num_classes**n), (num_classes,) * n), 1).astype(np.int64)


def number_of(labels: Sequence[int], num_classes: int) -> int:
    """The number of a label vector."""
    return int(np.ravel_multi_index(tuple(labels), (num_classes,) * len(labels)))


def flips(labels: Sequence[int], num_classes: int) -> NDArray[np.int64]:
    """``(K**n,)`` in how many places each label vector differs from ``labels``."""
    return np.asarray(combine(np.add, [(np.arange(num_classes) != label).astype(np.int64) for label in labels]))


def noise(channel: Channel, labels: Sequence[int]) -> Float:
    """``(K**n,)`` probability of each label vector when ``labels`` pass through ``channel`` one by one."""
    rows = channel.astype(np.float64)
    return combine(np.multiply, [rows[label] for label in labels])


def base_votes(scores: Scores, row: int) -> NDArray[np.int64]:
    """``(K**n,)`` class that a linear vote predicts from each label vector, in exact arithmetic."""
    return np.asarray(_linear(scores, row, np.eye(scores.num_classes, dtype=object)).argmax(1))


def mean_standings(scores: Scores, row: int, channel: Channel) -> Array:
    """``(K**n, K)`` expected scores if each label vector were the training set's, exact up to one positive factor."""
    exact = [[Fraction(p) for p in line] for line in channel]
    whole = lcm(*(p.denominator for line in exact for p in line))
    return _linear(scores, row, np.array([[int(p * whole) for p in line] for line in exact], dtype=object), whole)


def majority_standings(scores: Scores, row: int, channel: Channel) -> Float:
    """``(K**n, K)`` vote probabilities if each label vector were the training set's."""
    n, num_classes = len(scores.labels), scores.num_classes
    votes = base_votes(scores, row)
    standings = []
    for c in range(num_classes):
        share = (votes == c).astype(np.float64).reshape((num_classes,) * n)
        for axis in range(n):
            share = np.moveaxis(np.tensordot(channel.astype(np.float64), share, (1, axis)), 0, axis)
        standings.append(share.ravel())
    return np.stack(standings, 1)


def standings_of(classifier: SmoothedClassifier, scores: Scores, row: int, channel: Channel) -> Array:
    """``(K**n, K)`` what the smoothed classifier takes the argmax of, for each label vector."""
    standings = {"mean": mean_standings, "majority": majority_standings}
    return standings[classifier](scores, row, channel)


def beaten(standings: Array, prediction: int) -> NDArray[np.bool_]:
    """``(m,)`` where a rival is ahead of ``prediction``, given ``(m, K)`` standings.

    In exact standings a tie goes to the smaller class; in float64 ones nobody is ahead by less than `LEAD`.
    """
    own = standings[:, prediction, None]
    if standings.dtype == np.float64:
        return np.asarray((standings > own + LEAD).any(1))
    return np.asarray((standings[:, :prediction] >= own).any(1) | (standings[:, prediction + 1 :] > own).any(1))


def true_radius(standings: Array, prediction: int, labels: Sequence[int]) -> int:
    """The largest number of flips that leaves ``prediction`` unbeaten whatever they are; -1 if it is beaten already.

    Args:
        standings: ``(K**n, K)`` standings for each label vector.
        prediction: The class that is claimed to win.
        labels: The training labels as they are.
    """
    lost = flips(labels, standings.shape[1])[beaten(standings, prediction)]
    return int(lost.min()) - 1 if len(lost) else len(labels)


def best_event(mu: Float, rho: Float, f: float) -> Float:
    """The event of ``mu`` mass ``f`` that ``rho`` finds most probable (Neyman and Pearson).

    Args:
        mu: ``(m,)`` probabilities, each positive.
        rho: ``(m,)`` probabilities of the same outcomes.
        f: Mass to spend, within [0, 1].

    Returns:
        ``(m,)`` share of each outcome that belongs to the event, within [0, 1].
    """
    event = np.zeros_like(mu)
    left = f
    for outcome in np.argsort(-rho / mu, kind="stable"):
        event[outcome] = min(1.0, left / mu[outcome])
        left -= event[outcome] * mu[outcome]
        if left <= 0:
            break
    return event


def _linear(scores: Scores, row: int, table: Array, unit: int = 1) -> Array:
    """``(K**n, K)`` ``sum_j weights_j table[label_j, c] + unit offsets_c`` in Python's whole numbers."""
    weights = [int(w) for w in scores.weights[row]]
    return np.stack(
        [
            combine(np.add, [w * table[:, c] for w in weights]) + unit * int(scores.offsets[row, c])
            for c in range(scores.num_classes)
        ],
        1,
    )
