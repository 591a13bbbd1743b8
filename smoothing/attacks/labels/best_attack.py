"""The best attack on a linear vote, carried out."""

import numpy as np
from numpy.typing import NDArray

from smoothing.attacks.attack import Attack
from smoothing.certificates import Attacked
from smoothing.certifiers.analytic.analytic_certifier import linear_vote_under_channel
from smoothing.certifiers.exact.mean_vote import Whole, mean_scores, whole_channel
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, Votes


class BestAttack(Attack):
    """Changes the labels that cost the winner of the mean vote most, until another class wins.

    Changes add up and do not interact, so no other attack does with fewer (THEORY.md 4.3; Rosenfeld et al. 2020, C.2).
    Every attack is carried out: labels are changed and the vote is taken again, in whole numbers.

    The upper bound is the largest number of changes that cannot alter the prediction: it is attained by exact
    certificates of the same vote.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be attacked, or None; see `Evaluator.supports`."""
        return linear_vote_under_channel(measure, votes)

    def attack(self, ballots: Ballots) -> Attacked:
        """Attack the vote on every input of a batch."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not asked"
        matrix, denominator = whole = whole_channel(channel)
        expected = mean_scores(scores, whole)
        winners = np.asarray(expected.argmax(1), np.int64)
        labels = scores.labels.numpy()
        survived = np.full(len(winners), len(labels), np.float64)
        for row, winner in enumerate(winners.tolist()):
            weights = scores.weights[row].numpy()
            offsets = np.array([int(offset) * denominator for offset in scores.offsets[row]], object)
            # Close rivals first: those after them seldom need a search.
            for rival in np.argsort(-expected[row].astype(np.float64), kind="stable").tolist():
                if rival != winner:
                    search = _Search(weights, labels, offsets, matrix, winner, rival)
                    survived[row] = search.survived(int(survived[row]))
        return Attacked(
            prediction=winners,
            upper_bound=survived,
            classifier="attacked mean",
            exact=True,
            assumptions=ballots.assumptions,
        )


class _Search:
    """The attack on the vote on one input that makes one rival win.

    Args:
        weights: ``(n,)`` whole numbers.
        labels: ``(n,)`` training labels.
        offsets: ``(K,)`` whole numbers, on the scale of what the matrix gives.
        matrix: ``(K, K)`` channel of the noise in whole numbers.
        winner: The class that is predicted.
        rival: The class to be predicted instead.
    """

    def __init__(
        self,
        weights: NDArray[np.float64],
        labels: NDArray[np.int64],
        offsets: Whole,
        matrix: Whole,
        winner: int,
        rival: int,
    ) -> None:
        self._weights = weights
        self._labels = labels
        self._offsets = offsets
        self._matrix = matrix
        self._winner = winner
        lead = (matrix[:, winner] - matrix[:, rival]).astype(np.float64)
        # To the label whose noise favours the lead least, or, for a negative weight, most.
        self._target = np.where(weights > 0, lead.argmin(), lead.argmax())
        self._order = np.argsort(weights * (lead[self._target] - lead[labels]), kind="stable")

    def works(self, flips: int) -> bool:
        """Whether another class wins once that many labels are changed, those that count most first."""
        changed, labels = self._order[:flips], self._labels.copy()
        labels[changed] = self._target[changed]
        # Whole numbers that float64 adds without rounding.
        sums = np.bincount(labels, self._weights, len(self._matrix))
        return int((sums.astype(np.int64).astype(object) @ self._matrix + self._offsets).argmax()) != self._winner

    def survived(self, most: int) -> int:
        """Most changes without effect, up to a number. What works with some changes does with more."""
        if not self.works(most):
            return most
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.works(middle) else (middle, high)
        return low
