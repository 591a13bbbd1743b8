"""Brute force for partitions at tiny sizes: learners are trained on every label vector."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.testing.brute_force import all_labels, flips
from smoothing.votes.parts.partitions import Partitions

Winners = NDArray[np.int64]


def retaught(votes: Partitions, training_inputs: Tensor, x: Tensor) -> NDArray[np.float64]:
    """Return the class scores of the learners for every label vector, ``(K**n, batch, learners, K)``.

    Args:
        votes: Votes fitted to a training set of n examples.
        training_inputs: Training inputs, ``(n, ...)``.
        x: Inputs to predict, ``(batch, ...)``.
    """
    features, vectors = votes.features(training_inputs), all_labels(len(votes.labels), votes.num_classes)
    tested = votes.features(x)
    class_scores = np.empty((len(vectors), len(x), len(votes.learners), votes.num_classes))
    for number, examples in enumerate(votes.seen):
        learner = deepcopy(votes.learner)
        # A learner depends only on the labels of its own examples.
        own, case = np.unique(vectors[:, examples.numpy()], axis=0, return_inverse=True)
        scores = []
        for labels in torch.from_numpy(own):
            learner.learn(features[examples], labels, votes.num_classes)
            scores.append(learner.class_scores(tested).numpy())
        class_scores[:, :, number] = np.stack(scores)[case.ravel()]
    return class_scores


def by_plurality(class_scores: NDArray[np.float64]) -> Winners:
    """Return the first class with most votes of the learners, ``(K**n, batch)``."""
    return np.asarray(_tally(class_scores).argmax(-1), np.int64)


def by_run_off(class_scores: NDArray[np.float64]) -> Winners:
    """Return the winner of the second round between the two classes with most votes, ``(K**n, batch)``."""
    tally = _tally(class_scores)
    first = tally.argmax(-1)
    without = tally.copy()
    np.put_along_axis(without, first[..., None], -1, -1)
    second = without.argmax(-1)
    low, high = np.minimum(first, second), np.maximum(first, second)
    of_low, of_high = (np.take_along_axis(class_scores, c[..., None, None], -1)[..., 0] for c in (low, high))
    for_high = (of_high > of_low).sum(-1)
    return np.asarray(np.where(2 * for_high > class_scores.shape[-2], high, low), np.int64)


def flips_stood(winners: Winners, certificates: Certificates, labels: Sequence[int], num_classes: int) -> Winners:
    """Return the largest number of flips that never changes each prediction, ``(batch,)``.

    It is -1 if a prediction differs without any flip.

    Args:
        winners: Predictions for each label vector, ``(K**n, batch)``.
        certificates: Certificates, of which only the predictions are used.
        labels: Training labels, ``(n,)``.
        num_classes: Number of classes K.
    """
    away = flips(labels, num_classes)
    lost = winners != certificates.prediction
    return np.asarray(np.where(lost, away[:, None], len(labels) + 1).min(0) - 1)


def _tally(class_scores: NDArray[np.float64]) -> NDArray[np.int64]:
    votes = class_scores.argmax(-1)
    return np.stack([(votes == c).sum(-1) for c in range(class_scores.shape[-1])], -1)
