"""Attacks on an undefended network: a frozen body and a logistic head trained on the attacked labels."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from smoothing.attacks.attack import Attack
from smoothing.certificates import Attacked
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, LogisticHead, Votes

GROWTH = 1.5
"""Factor by which the number of flips grows until an attack succeeds. A bisection follows."""


class HeadAttack(Attack):
    """Attack that changes labels to the strongest rival of the predicted class, in an order or its reverse.

    The head is retrained after each attack, so that every attack found does alter the prediction (Rosenfeld et al.
    2020, C.1). The direction that needs fewer flips counts. A new attack is a subclass with `order`.

    The upper bound is one flip less than the best attack found, or all labels if none is found. It bounds what can be
    certified of the undefended network.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the votes are not supported, or None; see `Evaluator.supports`."""
        return None if isinstance(votes, LogisticHead) else f"{type(votes).__name__} is not a LogisticHead"

    @abstractmethod
    def order(self, head: LogisticHead, x: NDArray[np.float64], winner: int, rival: int) -> NDArray[np.intp]:
        """Return the order, ``(n,)``, in which training labels are changed to the rival.

        Args:
            head: The attacked head.
            x: Features of the attacked input, ``(k + 1,)``.
            winner: Its predicted class.
            rival: Class that the attack favours.
        """

    def attack(self, ballots: Ballots) -> Attacked:
        """Attack every input of a batch; see `Attack.attack`."""
        head = ballots.votes
        assert isinstance(head, LogisticHead), "supports() was not called"
        inputs = head.features_of(ballots.x)
        logits = inputs @ head.weights.T
        ranked = np.argsort(-logits, axis=1, kind="stable")
        radius = [self._survived(head, x, *pair) for x, pair in zip(inputs, ranked[:, :2].tolist(), strict=True)]
        return Attacked(
            prediction=np.asarray(ranked[:, 0], np.int64),
            upper_bound=np.array(radius, np.float64),
            classifier="attacked base",
            exact=False,
            assumptions=ballots.assumptions,
        )

    def _survived(self, head: LogisticHead, x: NDArray[np.float64], winner: int, rival: int) -> int:
        order = self.order(head, x, winner, rival)
        order = order[head.labels[order] != rival]
        best = none = len(order) + 1
        for direction in (order, order[::-1]):
            best = _fewest(head, x, winner, rival, direction, best)
        return best - 1 if best < none else len(head.labels)


def _fewest(
    head: LogisticHead, x: NDArray[np.float64], winner: int, rival: int, order: NDArray[np.intp], known: int
) -> int:
    """Return the fewest flips found that alter the prediction, or ``known`` if that is fewer."""

    def works(flips: int) -> bool:
        labels = head.labels.copy()
        labels[order[:flips]] = rival
        return int((head.retrained(labels, head.weights) @ x).argmax()) != winner

    low, high = 0, 1
    while high < known and not works(high):
        low, high = high, max(high + 1, int(high * GROWTH))
    if high >= known:
        if known - 1 <= low or not works(known - 1):
            return known
        high = known - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


class NearestAttack(HeadAttack):
    """Attack that changes labels in order of distance from the input in feature space (Rosenfeld et al. 2020, C.1)."""

    def order(self, head: LogisticHead, x: NDArray[np.float64], winner: int, rival: int) -> NDArray[np.intp]:
        """See `HeadAttack.order`."""
        return np.argsort(np.square(head.features - x).sum(1), kind="stable")


class InfluenceAttack(HeadAttack):
    """Attack that changes labels in order of influence (Koh and Liang 2017; Rosenfeld et al. 2020, C.1).

    The influence of a label is the first-order effect of changing it to the rival on the loss at the input.
    """

    def order(self, head: LogisticHead, x: NDArray[np.float64], winner: int, rival: int) -> NDArray[np.intp]:
        """See `HeadAttack.order`."""
        error = softmax(head.weights @ x)
        error[winner] -= 1
        # Factorised for each input: the matrix is at most a thousand wide, and training takes longer.
        direction = cho_solve(cho_factor(head.hessian()), np.outer(error, x).ravel()).reshape(head.weights.shape)
        pull = head.features @ direction.T
        # The gradient at a point changes by e_label - e_rival, times its features.
        return np.argsort(pull[np.arange(len(pull)), head.labels] - pull[:, rival], kind="stable")
