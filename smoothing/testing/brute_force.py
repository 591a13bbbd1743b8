"""True radii at tiny sizes, by enumeration of all ``K**n`` label vectors.

In label vector ``v``, training point ``j`` has label ``v // K**(n-1-j) % K``. Enumeration is fast up to about 100,000
label vectors: n = 16 for two classes, 10 for three.
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
"""Largest number of label vectors to enumerate."""

LEAD = 1e-12
"""Lead in probability below which float64 sums do not determine the winner."""


def combine(operation: np.ufunc, tables: Sequence[Array]) -> Array:
    """Combine one entry of every table, for all label vectors.

    Args:
        operation: A binary operation.
        tables: For each training point an array ``(K,)``, with one entry for each label.

    Returns:
        ``(K**n,)`` results in the order of label vectors.
    """
    return reduce(lambda left, right: operation.outer(left, right).ravel(), tables)


def all_labels(n: int, num_classes: int) -> NDArray[np.int64]:
    """Return all label vectors, ``(K**n, n)``."""
    return np.stack(np.unravel_index(np.arange(num_classes**n), (num_classes,) * n), 1).astype(np.int64)


def number_of(labels: Sequence[int], num_classes: int) -> int:
    """Return the number of a label vector."""
    return int(np.ravel_multi_index(tuple(labels), (num_classes,) * len(labels)))


def flips(labels: Sequence[int], num_classes: int) -> NDArray[np.int64]:
    """Return the number of labels in which each label vector differs from ``labels``, ``(K**n,)``."""
    return np.asarray(combine(np.add, [(np.arange(num_classes) != label).astype(np.int64) for label in labels]))


def noise(channel: Channel, labels: Sequence[int]) -> Float:
    """Return the probability of each label vector if ``channel`` changes each label independently, ``(K**n,)``."""
    rows = channel.astype(np.float64)
    return combine(np.multiply, [rows[label] for label in labels])


def base_votes(scores: Scores, row: int) -> NDArray[np.int64]:
    """Return the class that a linear vote predicts from each label vector, in exact arithmetic, ``(K**n,)``."""
    return np.asarray(_linear(scores, row, np.eye(scores.num_classes, dtype=object)).argmax(1))


def mean_standings(scores: Scores, row: int, channel: Channel) -> Array:
    """Return the expected scores under noise for each label vector, ``(K**n, K)``, exact up to one positive factor."""
    exact = [[Fraction(p) for p in line] for line in channel]
    whole = lcm(*(p.denominator for line in exact for p in line))
    return _linear(scores, row, np.array([[int(p * whole) for p in line] for line in exact], dtype=object), whole)


def majority_standings(scores: Scores, row: int, channel: Channel) -> Float:
    """Return the vote probabilities under noise for each label vector, ``(K**n, K)``."""
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
    """Return the standings whose argmax is the smoothed classifier, for each label vector, ``(K**n, K)``."""
    standings = {"mean": mean_standings, "majority": majority_standings}
    return standings[classifier](scores, row, channel)


def beaten(standings: Array, prediction: int) -> NDArray[np.bool_]:
    """Return where a rival is ahead of ``prediction``, ``(m,)``, given standings ``(m, K)``.

    In exact standings, the smaller class wins a tie. In float64 standings, leads below `LEAD` are ignored.
    """
    own = standings[:, prediction, None]
    if standings.dtype == np.float64:
        return np.asarray((standings > own + LEAD).any(1))
    return np.asarray((standings[:, :prediction] >= own).any(1) | (standings[:, prediction + 1 :] > own).any(1))


def true_radius(standings: Array, prediction: int, labels: Sequence[int]) -> int:
    """Return the largest number of flips that cannot put a rival ahead of ``prediction``; -1 if a rival is ahead.

    Args:
        standings: ``(K**n, K)`` standings for each label vector.
        prediction: The certified class.
        labels: The training labels.
    """
    lost = flips(labels, standings.shape[1])[beaten(standings, prediction)]
    return int(lost.min()) - 1 if len(lost) else len(labels)


def best_event(mu: Float, rho: Float, f: float) -> Float:
    """Return the event of probability ``f`` under ``mu`` that is most probable under ``rho`` (Neyman and Pearson).

    Args:
        mu: ``(m,)`` probabilities, each positive.
        rho: ``(m,)`` probabilities of the same outcomes.
        f: Probability of the event under ``mu``, within [0, 1].

    Returns:
        ``(m,)`` share of each outcome in the event, within [0, 1].
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
    """Return ``sum_j weights_j table[label_j, c] + unit offsets_c`` in Python integers, ``(K**n, K)``."""
    weights = [int(w) for w in scores.weights[row]]
    return np.stack(
        [
            combine(np.add, [w * table[:, c] for w in weights]) + unit * int(scores.offsets[row, c])
            for c in range(scores.num_classes)
        ],
        1,
    )
