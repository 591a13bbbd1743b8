"""The truth about partitions at tiny sizes: learners are taught every label vector."""

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
    """What the learners say of inputs after every label vector, ``(K**n, batch, learners, K)``.

    Args:
        votes: Fitted to a training set of n examples.
        training_inputs: Its inputs.
        x: Inputs to predict, ``(batch, ...)``.
    """
    features, vectors = votes.features(training_inputs), all_labels(len(votes.labels), votes.num_classes)
    asked = votes.features(x)
    said = np.empty((len(vectors), len(x), len(votes.learners), votes.num_classes))
    for number, examples in enumerate(votes.seen):
        learner = deepcopy(votes.learner)
        # What a learner is taught depends on the labels of its own examples only.
        own, case = np.unique(vectors[:, examples.numpy()], axis=0, return_inverse=True)
        scores = []
        for labels in torch.from_numpy(own):
            learner.learn(features[examples], labels, votes.num_classes)
            scores.append(learner.class_scores(asked).numpy())
        said[:, :, number] = np.stack(scores)[case.ravel()]
    return said


def by_plurality(said: NDArray[np.float64]) -> Winners:
    """The class that most learners vote for, the first of equals, ``(K**n, batch)``."""
    return np.asarray(_tally(said).argmax(-1), np.int64)


def by_run_off(said: NDArray[np.float64]) -> Winners:
    """The winner of the second round between the two classes that most learners vote for, ``(K**n, batch)``."""
    tally = _tally(said)
    first = tally.argmax(-1)
    without = tally.copy()
    np.put_along_axis(without, first[..., None], -1, -1)
    second = without.argmax(-1)
    low, high = np.minimum(first, second), np.maximum(first, second)
    of_low, of_high = (np.take_along_axis(said, c[..., None, None], -1)[..., 0] for c in (low, high))
    for_high = (of_high > of_low).sum(-1)
    return np.asarray(np.where(2 * for_high > said.shape[-2], high, low), np.int64)


def flips_stood(winners: Winners, certificates: Certificates, labels: Sequence[int], num_classes: int) -> Winners:
    """The largest number of flips that leaves each prediction standing, ``(batch,)``; -1 if it is none already.

    Args:
        winners: ``(K**n, batch)`` what is predicted from each label vector.
        certificates: What was certified; only predictions are read.
        labels: ``(n,)`` the training labels as they are.
        num_classes: Number of classes K.
    """
    away = flips(labels, num_classes)
    lost = winners != certificates.prediction
    return np.asarray(np.where(lost, away[:, None], len(labels) + 1).min(0) - 1)


def _tally(said: NDArray[np.float64]) -> NDArray[np.int64]:
    votes = said.argmax(-1)
    return np.stack([(votes == c).sum(-1) for c in range(said.shape[-1])], -1)
