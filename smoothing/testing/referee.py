"""The referee: certificates against the truth at tiny sizes."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.testing.brute_force import MOST_VECTORS, standings_of, true_radius
from smoothing.votes.ballots import Ballots


def true_radii(ballots: Ballots, certificates: Certificates) -> NDArray[np.int64]:
    """For each row, the largest number of flips that really leaves its prediction standing.

    Args:
        ballots: Linear votes over few training labels, under a measure with a channel.
        certificates: What was certified; only its predictions and its classifier are read.

    Returns:
        ``(batch,)`` radii; -1 where the prediction is not the smoothed classifier's or where the
        certifier abstains, n where nothing can change it.

    Raises:
        ValueError: If the measure has no channel, or there are too many label vectors to go through.
    """
    channel = ballots.measure.channel
    if channel is None:
        raise ValueError(f"true_radii: measure = {ballots.measure}; must have a channel")
    labels = ballots.scores.labels.tolist()
    if (vectors := len(channel) ** len(labels)) > MOST_VECTORS:
        raise ValueError(f"true_radii: {vectors} label vectors; must be at most {MOST_VECTORS}")
    return np.array(
        [
            true_radius(standings_of(certificates.classifier, ballots.scores, row, channel), int(prediction), labels)
            if prediction >= 0
            else -1
            for row, prediction in enumerate(certificates.prediction)
        ]
    )


def never_above_the_truth(ballots: Ballots, certificates: Certificates) -> None:
    """Refute certificates that promise more than holds, by going through all label vectors.

    Args:
        ballots: Linear votes over few training labels, under a measure with a channel.
        certificates: What was certified for them. Abstentions promise nothing, nor does a sampled certificate or one
            of the majority whose radius is 0.

    Raises:
        AssertionError: Naming the row, its radius and the truth.
    """
    never_above(true_radii(ballots, certificates), certificates)


def never_above(truth: NDArray[np.int64], certificates: Certificates) -> None:
    """Refute certificates that promise more than the truth, ``(batch,)``; see `never_above_the_truth`."""
    for row, (prediction, radius) in enumerate(zip(certificates.prediction, certificates.radius, strict=True)):
        promises = prediction >= 0 and (radius > 0 or certificates.classifier == "mean")
        assert not promises or radius <= truth[row], (
            f"row {row}: class {prediction} is certified at {radius:g} flips, but stands for {truth[row]} only"
        )
