"""The certificate of a plurality among linear votes of parts, which knows what turning each of them costs."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import flips_against
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.certifiers.exact.parts_certifier import Count, PartsCertifier, lead
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.threads import for_each
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import LinearVotes
from smoothing.votes.parts.partitions import LEARNERS_AT_A_TIME, Partitions
from smoothing.votes.votes import Votes

Float = NDArray[np.float64]


class WhiteBox(PartsCertifier):
    """Certified below the least number of flips that could close the winner's lead over a rival (THEORY.md 4.6).

    Each part of its own learner, a linear vote, costs what its exact certificate says: a part that votes for the winner
    gives 2 for what it takes to reach the rival or 1 for what it takes to reach any other class, a part that votes for
    a third class 1 for what it takes to reach the rival. The cheapest choice is found exactly; with two classes it is
    an attack, so that lower bound = upper bound.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        if reason := super().supports(measure, votes):
            return reason
        assert isinstance(votes, Partitions)
        if votes.spread > 1:
            return f"Partitions has a spread of {votes.spread}; must be 1, a flip may turn one learner only"
        if not isinstance(votes.learner, LinearVotes):
            return f"{type(votes.learner).__name__} is not a linear vote: what turns it is not known"
        return None

    def elect(self, ballots: Ballots) -> tuple[Count, Count, Float]:
        """The class with most votes, the first of equals; see `PartsCertifier.elect`."""
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
    """The least flips that put each class ahead of each part's vote, ``(batch, parts, K)``; infinite if none do."""
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
    """What a gain of 1, and one of 2, on the lead of a winner over a rival costs in each part that has any.

    Args:
        votes: ``(parts,)`` class that each part votes for.
        costs: ``(parts, K)`` flips that put each class ahead there.
        winner: The class with most votes.
        rival: Another.

    Returns:
        Prices of 1 and of 2, infinite where a part has but one, as `least_cost` takes them.
    """
    for_winner = votes == winner
    one = np.where(for_winner, costs.min(1), costs[:, rival])
    both = np.where(for_winner, costs[:, rival], np.inf)
    has_any = np.isfinite(one)
    return one[has_any], both[has_any]


def least_cost(gain: int, one: Float, both: Float) -> float:
    """The least total price of a gain of at least ``gain``, where part ``p`` sells 1 at ``one[p]`` or 2 at ``both[p]``.

    Where the second gain is no cheaper than the first, the two are bought one by one. Of the others at most one is
    bought by half in a cheapest choice: the cheaper of two halves costs less as a whole than both of them.

    Args:
        gain: At least 1.
        one: ``(parts,)`` finite prices, above 0.
        both: ``(parts,)`` prices, at least those of one; infinite where only one is sold.

    Returns:
        The price, infinite where there is not so much to buy.
    """
    by_half = both < 2 * one
    singly = np.sort(np.concatenate([one[~by_half], (both - one)[~by_half]]))
    order = np.argsort(both[by_half])
    pair, half = both[by_half][order], one[by_half][order]
    pairs = np.concatenate([[0.0], pair.cumsum()])
    # A half beside the j cheapest pairs is one of the dearer, or one of them in place of the next dearer pair.
    dearer = np.append(np.minimum.accumulate(half[::-1])[::-1], np.inf)
    instead = np.append(pairs[1:] + np.minimum.accumulate(half - pair), np.inf)
    with_half = np.minimum(pairs + dearer, instead)
    bought = 2 * np.arange(len(pairs))
    singles = np.concatenate([[0.0], singly.cumsum()])

    def rest(missing: NDArray[np.intp]) -> Float:
        missing = np.maximum(missing, 0)
        return np.where(missing < len(singles), singles[np.minimum(missing, len(singles) - 1)], np.inf)

    return float(np.minimum(pairs + rest(gain - bought), with_half + rest(gain - bought - 1)).min())
