"""The certificate of a run-off between the two classes that most learners of parts vote for."""

from itertools import count

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.exact_vote import flips_survived
from smoothing.certifiers.plurality import lead, learners_of_parts, power
from smoothing.certifiers.sampled import Tally
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes


class RunOff(Certifier):
    """Run-off election (Rezaei et al. 2023): all learners vote again, by their scores, between the two leading classes.

    The winner ``p`` loses only if two classes pass it in the first round, or if some class gets past the other
    finalist there and past ``p`` in the second. Either takes a number of parts, found as by `Plurality`; for two
    classes at once also the sum of their leads has to be closed (their section on Finite Aggregation, of which a
    spread of 1 is the case of disjoint parts).
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        return learners_of_parts(measure, votes)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the winner of the second round; it never abstains."""
        poll = ballots.poll
        races = [Race(*row, poll.reached) for row in zip(poll.class_scores, poll.votes, poll.tally, strict=True)]
        winner = np.array([race.winner for race in races], np.int64)
        tally = Tally.of(np.stack([race.final for race in races]), winner)
        return Certificates(
            prediction=winner,
            radius=np.array([race.parts_needed() - 1 for race in races]),
            classifier="run-off",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            n_a=tally.n_a,
            n_b=tally.n_b,
            n=tally.n,
        )


class Race:
    """One input's election.

    Args:
        class_scores: ``(learners, K)`` float64.
        votes: ``(learners,)`` class that each learner votes for in the first round.
        tally: ``(K,)`` votes of the first round.
        reached: ``(parts, spread)`` the learners that each part teaches.

    Attributes:
        winner: The class that wins the second round.
        other: The class that it wins against.
        final: ``(K,)`` votes of the second round.
    """

    def __init__(
        self,
        class_scores: NDArray[np.float64],
        votes: NDArray[np.int64],
        tally: NDArray[np.int64],
        reached: NDArray[np.int64],
    ) -> None:
        self._scores, self._votes, self._tally, self._reached = class_scores, votes, tally, reached
        first, second = np.argsort(-tally, kind="stable")[:2].tolist()
        self.final = self._second_round(first, second)[1]
        self.winner, self.other = (first, second) if lead(self.final, first, second) > 0 else (second, first)

    def parts_needed(self) -> float:
        """The least number of parts without which the winner cannot lose."""
        return min(self._to_lose_the_first_round(), self._to_lose_the_second_round())

    def _to_lose_the_first_round(self) -> float:
        """Two classes must pass the winner: each by itself, and both together."""
        rivals = [c for c in range(len(self._tally)) if c != self.winner]
        leads = {c: lead(self._tally, self.winner, c) for c in rivals}
        powers = {c: power(self._votes, self._reached, self.winner, c) for c in rivals}
        alone = {c: needed(leads[c], powers[c]) for c in rivals}
        easiest = sorted(rivals, key=alone.__getitem__)
        best = np.inf
        for position, one in zip(count(1), easiest[1:], strict=False):
            if alone[one] >= best:
                break
            for two in easiest[:position]:
                together = needed(leads[one] + leads[two], powers[one] + powers[two])
                best = min(best, max(alone[one], together))
        return best

    def _to_lose_the_second_round(self) -> float:
        """A class must get into it, past the other finalist, and then win it."""
        best = np.inf
        for rival in range(len(self._tally)):
            if rival == self.winner:
                continue
            to_enter = 0.0
            if rival != self.other:
                gap = lead(self._tally, self.other, rival)
                to_enter = needed(gap, power(self._votes, self._reached, self.other, rival))
            second_votes, final = self._second_round(self.winner, rival)
            to_win = needed(lead(final, self.winner, rival), power(second_votes, self._reached, self.winner, rival))
            best = min(best, max(to_enter, to_win))
        return best

    def _second_round(self, one: int, two: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Votes ``(learners,)`` between two classes, and their counts ``(K,)``; equal scores go to the first class."""
        low, high = sorted((one, two))
        votes = np.where(self._scores[:, high] > self._scores[:, low], high, low)
        return votes, np.bincount(votes, minlength=len(self._tally))


def needed(gap: int, powers: NDArray[np.float64]) -> float:
    """The least number of parts that can take ``gap`` from a lead, whatever their learners then say."""
    return flips_survived(powers, gap - 1) + 1 if gap > 0 else 0.0
