"""The best attack on a linear vote."""

import numpy as np
from numpy.typing import NDArray

from smoothing.attacks.attack import Attack
from smoothing.certificates import Attacked
from smoothing.certifiers.analytic.analytic_certifier import linear_vote_under_channel
from smoothing.certifiers.exact.mean_vote import Whole, mean_scores, whole_channel
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, Votes


class BestAttack(Attack):
    """Attack that changes the labels with the largest effect on the mean vote until another class wins.

    Effects of changes add up, so that no attack needs fewer changes (THEORY.md 4.3; Rosenfeld et al. 2020, C.2). Every
    attack is carried out: labels are changed and the vote is computed again, in integer arithmetic.

    The upper bound is the largest number of changes that cannot alter the prediction: it is attained by exact
    certificates of the same vote.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Evaluator.supports`."""
        return linear_vote_under_channel(measure, votes)

    def attack(self, ballots: Ballots) -> Attacked:
        """Attack the vote on every input of a batch; see `Attack.attack`."""
        scores, channel = ballots.scores, ballots.measure.channel
        assert channel is not None, "supports() was not called"
        matrix, denominator = whole = whole_channel(channel)
        expected = mean_scores(scores, whole)
        winners = np.asarray(expected.argmax(1), np.int64)
        labels = scores.labels.numpy()
        survived = np.full(len(winners), len(labels), np.float64)
        for row, winner in enumerate(winners.tolist()):
            weights = scores.weights[row].numpy()
            offsets = np.array([int(offset) * denominator for offset in scores.offsets[row]], object)
            # Close rivals first, since later ones seldom need a search.
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
    """Attack on the vote on one input in favour of one rival.

    Args:
        weights: Weights, ``(n,)`` whole numbers.
        labels: Training labels, ``(n,)``.
        offsets: Offsets, ``(K,)`` whole numbers, on the scale of ``matrix``.
        matrix: Channel of the noise, ``(K, K)`` whole numbers.
        winner: Predicted class.
        rival: Class that the attack favours.
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
        # The label with the smallest expected lead, or the largest for a negative weight.
        self._target = np.where(weights > 0, lead.argmin(), lead.argmax())
        self._order = np.argsort(weights * (lead[self._target] - lead[labels]), kind="stable")

    def works(self, flips: int) -> bool:
        """Return whether another class wins after that many changes, in order of decreasing effect."""
        changed, labels = self._order[:flips], self._labels.copy()
        labels[changed] = self._target[changed]
        # float64 adds these whole numbers without rounding.
        sums = np.bincount(labels, self._weights, len(self._matrix))
        return int((sums.astype(np.int64).astype(object) @ self._matrix + self._offsets).argmax()) != self._winner

    def survived(self, most: int) -> int:
        """Return the largest number of changes, up to ``most``, after which the prediction is unchanged.

        If some number of changes alters the prediction, so does every larger number.
        """
        if not self.works(most):
            return most
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.works(middle) else (middle, high)
        return low
