"""The best attack on a linear vote, carried out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates import Certificates
from smoothing.certifiers import Certifier
from smoothing.certifiers.analytic import linear_vote_under_channel
from smoothing.certifiers.mean_vote import Whole, mean_scores, whole_channel
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, Votes


class BestAttack(Certifier):
    """Changes the labels that cost the winner of the mean vote most, until another class wins.

    Changes add up and do not interact, so no other attack does with fewer (THEORY.md 4.3; Rosenfeld et al. 2020, C.2).
    Every attack is carried out: labels are changed and the vote is taken again, in whole numbers.

    Its answer is no certificate: ``radius`` is the most changes that this attack leaves without effect, an upper bound
    on every certified radius of the same vote.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be attacked, or None; see `Certifier.supports`."""
        return linear_vote_under_channel(measure, votes)

    def certify(self, ballots: Ballots) -> Certificates:
        """Attack the vote on every input of a batch."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        expected = mean_scores(scores, channel)
        matrix, denominator = whole_channel(channel)
        labels = scores.labels.numpy()
        survived = []
        for row, weights in enumerate(scores.weights.numpy()):
            offsets = np.array([int(b) * denominator for b in scores.offsets[row]], object)
            survived.append(_survived(_Vote(weights, labels, offsets, matrix), expected[row]))
        return Certificates(
            prediction=np.asarray(expected.argmax(1), np.int64),
            radius=np.array(survived, np.float64),
            classifier="attacked mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
        )


class _Vote:
    """The mean vote on one input, under changed labels."""

    def __init__(self, weights: NDArray[np.float64], labels: NDArray[np.int64], offsets: Whole, matrix: Whole) -> None:
        self._weights = weights
        self._labels = labels
        self._offsets = offsets
        self._matrix = matrix

    def attack(self, winner: int, rival: int) -> Callable[[int], int]:
        """What is predicted once a number of labels are changed in favour of a rival, those that count most first."""
        lead = (self._matrix[:, winner] - self._matrix[:, rival]).astype(np.float64)
        # To the label whose noise favours the lead least, or, for a negative weight, most.
        target = np.where(self._weights > 0, lead.argmin(), lead.argmax())
        order = np.argsort(self._weights * (lead[target] - lead[self._labels]), kind="stable")

        def predicted(flips: int) -> int:
            changed = self._labels.copy()
            changed[order[:flips]] = target[order[:flips]]
            # Whole numbers that float64 adds without rounding.
            sums = np.bincount(changed, self._weights, len(self._matrix))
            return int((sums.astype(np.int64).astype(object) @ self._matrix + self._offsets).argmax())

        return predicted


def _survived(vote: _Vote, expected: Whole) -> int:
    """Most changes without effect in the attack that needs fewest, that is, all of them where none works."""
    winner, fewest = int(expected.argmax()), None
    n = len(vote._labels)
    for rival in np.argsort(-expected.astype(np.float64), kind="stable"):
        if rival == winner:
            continue
        predicted = vote.attack(winner, int(rival))
        most = n if fewest is None else fewest - 1
        # A rival that cannot win with fewer changes than another is not worth a search.
        if predicted(most) != winner:
            fewest = least(lambda flips, predicted=predicted: predicted(flips) != winner, most)
    return n if fewest is None else fewest - 1


def least(works: Callable[[int], bool], most: int) -> int:
    """The least number that works, given that ``most`` does, 0 does not, and what works with fewer does with more."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
