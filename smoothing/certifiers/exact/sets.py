"""Numbers of label changes after which each class may be the answer of a mean vote (THEORY.md 4.7)."""

from math import gcd, inf

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import one_survived
from smoothing.certifiers.exact.leads import LARGEST_GAIN
from smoothing.certifiers.exact.mean_vote import Whole, mean_scores, whole_channel
from smoothing.measures.measure import Channel
from smoothing.numerics.threads import for_each
from smoothing.votes.labels.linear import Scores


def flips_to(scores: Scores, channel: Channel) -> NDArray[np.float64]:
    """Return a lower bound on the number of label changes after which each class is the mean vote's prediction.

    A class wins only if it passes every other class, so that the sum of its deficits to any group of classes must be
    made up. Changes add up, and the ``r`` largest gains of this sum bound what ``r`` changes can do. The groups are the
    leading class, the two leading classes, and so on, up to all classes ahead. For two classes the bound is attained.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix.

    Returns:
        ``(batch, K)`` whole numbers: 0 for the prediction, at least 1 for other classes; infinite where no changes
        suffice.
    """
    whole = whole_channel(channel)
    expected = mean_scores(scores, whole)
    weights, labels = scores.weights.numpy(), scores.labels.numpy()
    found = np.zeros(expected.shape)

    def work(some: slice) -> None:
        for row in range(len(expected))[some]:
            standing = [int(score) for score in expected[row]]
            order = sorted(range(len(standing)), key=lambda c: (-standing[c], c))
            for place, target in enumerate(order[1:], 1):
                found[row, target] = max(
                    _needed(weights[row], labels, standing, whole[0], order[:size], target)
                    for size in range(1, place + 1)
                )

    for_each(work, len(expected), 1)
    return found


def _needed(
    weights: NDArray[np.float64],
    labels: NDArray[np.int64],
    standing: list[int],
    matrix: Whole,
    group: list[int],
    target: int,
) -> float:
    """Return a lower bound on the number of changes after which ``target`` is ahead of every class of a group.

    Args:
        weights: ``(n,)`` weights of one input.
        labels: ``(n,)`` training labels.
        standing: Expected scores of the K classes, on the scale of ``matrix``.
        matrix: Channel in whole numbers, ``(K, K)``.
        group: Classes that are ahead of the target.
        target: A class.
    """
    columns = [[int(chance) for chance in column] for column in matrix.T]
    lead = [sum(columns[c][y] for c in group) - len(group) * columns[target][y] for y in range(len(standing))]
    loss = [value - min(lead) for value in lead]
    unit = gcd(*loss) or 1
    factors = np.array([value // unit for value in loss], np.float64)
    if factors.max() > LARGEST_GAIN and len(group) > 1:
        return 1.0  # float64 sums could round; smaller groups bound the number too
    # The target passes a class at a tie if it precedes it, and otherwise one above the tie.
    deficit = sum(standing[c] - standing[target] + (c < target) for c in group)
    room = min((deficit - 1) // unit, 2**53)
    losses = weights * factors[labels] - np.minimum(weights, 0) * factors.max()
    count = one_survived(losses, float(room))
    return count + 1.0 if count < len(labels) else inf
