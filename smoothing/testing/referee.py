"""Brute-force tests of certificates at tiny sizes."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.measures.measure import Channel
from smoothing.testing.brute_force import MOST_VECTORS, beaten, flips, standings_of, true_radius
from smoothing.votes.ballots import Ballots


def true_radii(ballots: Ballots, certificates: Certificates) -> NDArray[np.int64]:
    """Return for each row the largest number of flips that cannot change its prediction.

    Args:
        ballots: Linear votes over few training labels, under a measure with a channel.
        certificates: Certificates of the ballots. Only predictions and classifier are used.

    Returns:
        ``(batch,)`` radii; -1 where the prediction is not that of the smoothed classifier or the certifier abstains, n
        where no flips change the prediction.

    Raises:
        ValueError: If the measure has no channel, or there are more than `MOST_VECTORS` label vectors.
    """
    channel, labels = _few_labels(ballots)
    return np.array(
        [
            true_radius(standings_of(certificates.classifier, ballots.scores, row, channel), int(prediction), labels)
            if prediction >= 0
            else -1
            for row, prediction in enumerate(certificates.prediction)
        ]
    )


def true_flips_to(ballots: Ballots, certificates: Certificates) -> NDArray[np.float64]:
    """Return for each class the smallest number of flips after which it is the prediction.

    Args:
        ballots: Linear votes over few training labels, under a measure with a channel.
        certificates: Certificates of the ballots. Only the classifier is used.

    Returns:
        ``(batch, K)`` numbers of flips; infinite for classes that no labels make the prediction.

    Raises:
        ValueError: If the measure has no channel, or there are more than `MOST_VECTORS` label vectors.
    """
    channel, labels = _few_labels(ballots)
    distance = flips(labels, len(channel))
    rows = []
    for row in range(len(ballots.x)):
        standings = standings_of(certificates.classifier, ballots.scores, row, channel)
        ahead = [~beaten(standings, c) for c in range(len(channel))]
        rows.append([distance[wins].min() if wins.any() else np.inf for wins in ahead])
    return np.array(rows, np.float64)


def _few_labels(ballots: Ballots) -> tuple[Channel, list[int]]:
    """Return the channel and the labels of ballots with few label vectors."""
    channel = ballots.measure.channel
    if channel is None:
        raise ValueError(f"true_radii: measure = {ballots.measure}; must have a channel")
    labels = ballots.scores.labels.tolist()
    if (vectors := len(channel) ** len(labels)) > MOST_VECTORS:
        raise ValueError(f"true_radii: {vectors} label vectors; must be at most {MOST_VECTORS}")
    return channel, labels


def never_above_the_truth(ballots: Ballots, certificates: Certificates) -> None:
    """Raise an error if a radius is larger than the truth, by enumeration of all label vectors.

    Args:
        ballots: Linear votes over few training labels, under a measure with a channel.
        certificates: Certificates of the ballots. Abstentions are ignored, and so are certificates of the majority vote
            with radius 0.

    Raises:
        AssertionError: With the row, its radius and the true radius; or with the row and the class of a certified set
            that lacks a class which some flips make the prediction.
    """
    never_above(true_radii(ballots, certificates), certificates)
    if certificates.flips_to is not None:
        truth = true_flips_to(ballots, certificates)
        for row, label in zip(*np.nonzero(certificates.flips_to > truth), strict=True):
            raise AssertionError(
                f"row {row}: class {label} is said to need {certificates.flips_to[row, label]:g} flips; it needs "
                f"{truth[row, label]:g}"
            )


def never_above(truth: NDArray[np.int64], certificates: Certificates) -> None:
    """Raise an error if a radius is larger than the true one, ``(batch,)``; see `never_above_the_truth`."""
    for row, (prediction, radius) in enumerate(zip(certificates.prediction, certificates.radius, strict=True)):
        claims = prediction >= 0 and (radius > 0 or certificates.classifier == "mean")
        assert not claims or radius <= truth[row], (
            f"row {row}: class {prediction} is certified at {radius:g} changes; the true radius is {truth[row]}"
        )
