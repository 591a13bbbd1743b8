"""Certificates of a run-off between the two classes with most votes of learners of parts."""

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.flips import flips_survived
from smoothing.certifiers.exact.parts_certifier import Count, PartsCertifier, lead, power
from smoothing.votes.ballots import Ballots


class RunOff(PartsCertifier):
    """Certifies the run-off election (Rezaei et al. 2023).

    In the second round, all learners vote by their scores between the two leading classes. The winner ``p`` loses only
    if two classes overtake it in the first round, or if a class overtakes the other finalist in the first round and
    ``p`` in the second. The number of parts that each needs is computed as in `Plurality`. For two classes at once,
    the sum of their leads must be closed as well (their section on Finite Aggregation; a spread of 1 is the case of
    disjoint parts).
    """

    classifier = "run-off"

    def elect(self, ballots: Ballots) -> tuple[Count, Count, NDArray[np.float64]]:
        """Elect the winner of the second round; see `PartsCertifier.elect`."""
        poll = ballots.poll
        races = [Race(*row, poll.reached) for row in zip(poll.class_scores, poll.votes, poll.tally, strict=True)]
        winner = np.array([race.winner for race in races], np.int64)
        return winner, np.stack([race.final for race in races]), np.array([race.parts_needed() - 1 for race in races])


class Race:
    """Run-off election of one input.

    Args:
        class_scores: ``(learners, K)`` float64.
        votes: ``(learners,)`` vote of each learner in the first round.
        tally: ``(K,)`` vote counts of the first round.
        reached: ``(parts, spread)`` learners that are trained on each part.

    Attributes:
        winner: Winner of the second round.
        other: Loser of the second round.
        final: ``(K,)`` vote counts of the second round.
    """

    def __init__(
        self,
        class_scores: NDArray[np.float64],
        votes: Count,
        tally: Count,
        reached: Count,
    ) -> None:
        self._scores, self._votes, self._tally, self._reached = class_scores, votes, tally, reached
        first, second = np.argsort(-tally, kind="stable")[:2].tolist()
        ahead = self._prefer(first, np.array([second])).sum()
        wins = 2 * ahead + (first < second) > len(votes)
        self.winner, self.other = (first, second) if wins else (second, first)
        self.final = np.zeros_like(tally)
        self.final[[first, second]] = ahead, len(votes) - ahead

    def parts_needed(self) -> float:
        """Return a lower bound on the number of parts that must change before the winner loses."""
        others = np.delete(np.arange(len(self._tally)), self.winner)
        return min(self._to_lose_the_first_round(others), self._to_lose_the_second_round(others))

    def conditions(self) -> tuple[NDArray[np.float64], Count]:
        """Return leads of which one must be closed before the winner loses.

        The winner loses only by one of several events: two classes overtake it, or one class enters the second round
        and wins it. Each event needs several leads to be closed. The one that needs most parts stands for the event.

        Returns:
            How much each part can reduce the leads, ``(events, parts)``, and the leads, ``(events,)``, at least 1.
        """
        others = np.delete(np.arange(len(self._tally)), self.winner)
        gaps, powers = lead(self._tally, self.winner, others), power(self._votes, self._reached, self.winner, others)
        one, two = np.triu_indices(len(others), 1)
        overtake = [
            (gaps[one], powers[one]),
            (gaps[two], powers[two]),
            (gaps[one] + gaps[two], powers[one] + powers[two]),
        ]
        by_event = [_hardest(overtake), _hardest([self._to_enter(others), self._to_win(others)])]
        return np.concatenate([p for _, p in by_event]), np.concatenate([g for g, _ in by_event])

    def _to_lose_the_first_round(self, others: Count) -> float:
        """Return the number of parts with which two classes overtake the winner, each alone and both together."""
        leads = lead(self._tally, self.winner, others)
        powers = power(self._votes, self._reached, self.winner, others)
        alone = needed(leads, powers)
        easiest, best = np.argsort(alone), np.inf
        for position, one in enumerate(easiest):
            if alone[one] >= best:
                break
            two = easiest[:position]
            together = needed(leads[one] + leads[two], powers[one] + powers[two])
            best = min(best, np.maximum(together, alone[one]).min(initial=np.inf))
        return best

    def _to_lose_the_second_round(self, others: Count) -> float:
        """Return the number of parts with which a class reaches the second round and wins it."""
        return float(np.maximum(needed(*self._to_enter(others)), needed(*self._to_win(others))).min())

    def _to_enter(self, others: Count) -> tuple[Count, NDArray[np.float64]]:
        """Return leads and powers of which each class must close one to reach the second round; see `needed`."""
        return lead(self._tally, self.other, others), power(self._votes, self._reached, self.other, others)

    def _to_win(self, others: Count) -> tuple[Count, NDArray[np.float64]]:
        """Return leads and powers of which each class must close one to win the second round; see `needed`."""
        prefer = self._prefer(self.winner, others)
        leads = 2 * prefer.sum(1) - len(self._votes) + (self.winner < others)
        return np.asarray(leads), 2.0 * prefer[:, self._reached].sum(2)

    def _prefer(self, one: int, others: Count) -> NDArray[np.bool_]:
        """Return which learners prefer ``one`` to each other class, ``(others, learners)``; ties go to the first."""
        own, against = self._scores[:, one], self._scores[:, others].T
        return np.asarray((own > against) | ((own == against) & (one < others[:, None])))


def _hardest(leads: list[tuple[Count, NDArray[np.float64]]]) -> tuple[Count, NDArray[np.float64]]:
    """Return of several leads, ``(events,)`` each with powers ``(events, parts)``, the one that needs most parts."""
    gaps, powers = np.stack([g for g, _ in leads]), np.stack([p for _, p in leads])
    which = np.stack([needed(g, p) for g, p in leads]).argmax(0)
    return gaps[which, np.arange(gaps.shape[1])], powers[which, np.arange(gaps.shape[1])]


def needed(gaps: Count, powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest number of parts that can reduce leads by ``gaps``, ``(others,)``."""
    return np.where(gaps > 0, flips_survived(powers, gaps - 1) + 1, 0.0)
