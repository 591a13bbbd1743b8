"""Certificates of the plurality vote of linear votes of parts, from the exact radius of each part."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import flips_against
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.certifiers.exact.parts_certifier import Count, PartsCertifier, lead
from smoothing.distance import FLIPS
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.threads import for_each
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.parts.partitions import LEARNERS_AT_A_TIME, Partitions
from smoothing.votes.votes import Votes

Float = NDArray[np.float64]


class WhiteBox(PartsCertifier):
    """Certifies less than the smallest number of flips that can close the winner's lead over a rival (THEORY.md 4.6).

    Every part has a learner of its own, a linear vote, so that its exact certificate gives the number of flips that
    change its vote. Changing a vote for the winner to the rival reduces the lead by 2, and to any other class by 1.
    Changing a vote for a third class to the rival reduces it by 1. The cheapest combination is computed exactly. For
    two classes it is an attack, so that lower bound = upper bound.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        if reason := super().supports(measure, votes):
            return reason
        if not isinstance(votes, Partitions):
            return f"{type(votes).__name__} has no linear votes on its parts: the flips that change them are not known"
        if measure.distance != FLIPS:
            return f"{type(measure).__name__} counts {measure.distance.unit}; must count label flips"
        if votes.spread > 1:
            return f"Partitions has a spread of {votes.spread}; must be 1, so that a flip changes one learner only"
        if not isinstance(votes.learner, LinearVotes):
            return f"{type(votes.learner).__name__} is not a linear vote: the flips that change it are not known"
        return None

    def elect(self, ballots: Ballots) -> tuple[Count, Count, Float]:
        """Elect the class with most votes, the first class in a tie; see `PartsCertifier.elect`."""
        poll = ballots.poll
        winner = np.asarray(poll.tally.argmax(1), np.int64)
        costs = _costs(ballots)
        flips = np.full(len(winner), np.inf)
        for row, others in enumerate(rivals(winner, poll.num_classes)):
            for rival, gain in zip(others, lead(poll.tally[row], winner[row], others), strict=True):
                prices = _prices(poll.votes[row], costs[row], winner[row], rival)
                flips[row] = min(flips[row], least_cost(int(gain), *prices))
        return winner, poll.tally, np.minimum(flips - 1, ballots.measure.diameter(ballots.shape))


def _costs(ballots: Ballots) -> Float:
    """Return the fewest flips that change each part's vote to each class, ``(batch, parts, K)``; may be infinite."""
    votes, channel = ballots.votes, ballots.measure.channel
    assert isinstance(votes, Partitions)
    assert channel is not None
    features = votes.features(ballots.x)
    costs = np.empty((len(features), len(votes.learners), votes.num_classes))

    def work(some: slice) -> None:
        for part in range(len(votes.learners))[some]:
            learner = votes.learners[part]
            assert isinstance(learner, LinearVotes)
            scores = learner.scores(features)
            survived = flips_against(scores, channel)[1]
            costs[:, part] = np.where(survived < len(scores.labels), survived + 1, np.inf)

    for_each(work, len(votes.learners), LEARNERS_AT_A_TIME)
    return costs


def _prices(votes: Count, costs: Float, winner: int, rival: int) -> tuple[Float, Float]:
    """Return the flips that reduce the lead over a rival by 1 and by 2, for each part that can reduce it.

    Args:
        votes: ``(parts,)`` vote of each part.
        costs: ``(parts, K)`` flips that change the vote of each part to each class.
        winner: The class with most votes.
        rival: Another class.

    Returns:
        Prices of 1 and of 2 as in `least_cost`. The latter is infinite for a part that can reduce the lead by 1 only.
    """
    for_winner = votes == winner
    one = np.where(for_winner, costs.min(1), costs[:, rival])
    both = np.where(for_winner, costs[:, rival], np.inf)
    has_any = np.isfinite(one)
    return one[has_any], both[has_any]


def least_cost(gain: int, one: Float, both: Float) -> float:
    """Return the smallest total price of at least ``gain``, where part ``p`` sells 1 at ``one[p]`` or 2 at ``both[p]``.

    If the second unit of a part is not cheaper than the first, its units are bought separately. Of the other parts, a
    cheapest choice buys at most one by half: with two halves, the cheaper part costs less as a whole than both halves.

    Args:
        gain: At least 1.
        one: ``(parts,)`` finite prices, above 0.
        both: ``(parts,)`` prices, at least ``one``; infinite where a part sells 1 only.

    Returns:
        The price; infinite if the parts sell less than ``gain`` in total.
    """
    by_half = both < 2 * one
    singly = np.sort(np.concatenate([one[~by_half], (both - one)[~by_half]]))
    order = np.argsort(both[by_half])
    pair, half = both[by_half][order], one[by_half][order]
    pairs = np.concatenate([[0.0], pair.cumsum()])
    # One half with j whole pairs: of a dearer part, or of one of the j + 1 cheapest parts, the others being whole.
    dearer = np.append(np.minimum.accumulate(half[::-1])[::-1], np.inf)
    instead = np.append(pairs[1:] + np.minimum.accumulate(half - pair), np.inf)
    with_half = np.minimum(pairs + dearer, instead)
    bought = 2 * np.arange(len(pairs))
    singles = np.concatenate([[0.0], singly.cumsum()])

    def rest(missing: NDArray[np.intp]) -> Float:
        missing = np.maximum(missing, 0)
        return np.where(missing < len(singles), singles[np.minimum(missing, len(singles) - 1)], np.inf)

    return float(np.minimum(pairs + rest(gain - bought), with_half + rest(gain - bought - 1)).min())
