"""Attacks on many answers of a linear vote with one budget."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from smoothing.arguments import at_least, refuse_words
from smoothing.certifiers.analytic.analytic_certifier import linear_vote_under_channel
from smoothing.collective.evaluator import CollectiveEvaluator, Counted
from smoothing.collective.linear import LinearExamples, stacked
from smoothing.collective.run import Answers, Piece
from smoothing.collective.table import CollectiveRow, hash_of
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Float = NDArray[np.float64]
Single = NDArray[np.float32]

PASSES = 25
"""Number of groups in which the greedy attack changes labels."""

EMPHASIS = (0.0, 1.0, 2.0)
"""Exponents with which nearly lost answers count more; the greedy attack tries each."""


UNDONE = 0.2
"""Share of changes that a step of local search takes back."""

SIZE = 2**27
"""Largest number of weights in a search. Of more examples, evenly spaced ones are kept."""


@dataclass(frozen=True)
class Targets:
    """What an attack needs of some examples.

    Attributes:
        weights: Weights, ``(b, n)``, in units of the largest one of each row.
        needed: Loss of the lead with which each class wins, ``(b, K)``, in these units; infinite for the answer.
        lowest: Loss of the lead over each rival by label, ``(b, K, K)``; see `Leads.to_lowest`.
    """

    weights: Single | csr_matrix
    needed: Float
    lowest: Single

    @classmethod
    def of(cls, examples: LinearExamples, start: int, spacing: int) -> "Targets":
        """Return the targets of a block of examples.

        Args:
            examples: The block.
            start: Number of examples before the block.
            spacing: Every ``spacing``-th of all examples is kept.
        """
        rows = np.arange(-start % spacing, len(examples.prediction), spacing)
        contest, weights = examples.contest, examples.weights[rows]
        scale = np.maximum(np.abs(weights).max(1, initial=1), 1)[:, None]
        w = (weights / scale).astype(np.float32)
        rivals = np.arange(contest.room.shape[1]) != contest.winner[rows, None]
        needed = np.where(rivals, (contest.room[rows] + 1) / scale, np.inf)
        lowest = contest.leads.to_lowest[contest.which[rows]].astype(np.float32)
        return cls(w if examples.entries is None else csr_matrix(w), needed, lowest)

    @classmethod
    def joined(cls, pieces: Sequence["Targets"]) -> "Targets":
        """Return the targets of all examples, in order."""
        return cls(
            stacked([piece.weights for piece in pieces]),
            np.concatenate([piece.needed for piece in pieces]),
            np.concatenate([piece.lowest for piece in pieces]),
        )


class CollectiveAttack(CollectiveEvaluator):
    """Base class of attacks that change up to ``r`` training labels to change as many answers as possible.

    The vote on the changed labels is computed again for all examples, in whole numbers. The number of changed answers
    is a lower bound on every collective bound, and no certificate. If there are many examples, labels are chosen by
    their effect on evenly spaced ones.

    A new attack is a subclass with `search`.

    Args:
        budgets: As for `CollectiveCertifier`.
        counted: As for `CollectiveCertifier`.
        seed: Seed of random choices, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    classifier = "attacked mean"

    def __init__(self, budgets: Sequence[int], counted: Counted = "right", seed: int = 0) -> None:
        super().__init__(budgets, counted)
        at_least(self, 0, seed=seed)
        self.seed = seed

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `CollectiveEvaluator.supports`."""
        return linear_vote_under_channel(measure, votes)

    def examples(self, ballots: Ballots) -> LinearExamples:
        """Return answers; see `CollectiveEvaluator.examples`."""
        channel = ballots.measure.channel
        assert channel is not None, "supports() was not called"
        return LinearExamples(ballots.scores, channel)

    @abstractmethod
    def search(self, battle: "Battle", budget: int) -> None:
        """Change up to ``budget`` labels of a battle."""

    def spacing(self, first: LinearExamples, m: int) -> int:
        """Return the distance of the examples that the search uses, given the first block of ``m`` examples."""
        return min(-(-m * first.size() // SIZE), m)

    def labels(
        self, targets: Targets, answers: Answers, labels: NDArray[np.int64], spacing: int = 1
    ) -> NDArray[np.int64]:
        """Return the changed training labels for every budget, ``(budgets, n)``.

        Args:
            targets: Targets of every ``spacing``-th example.
            answers: Answers to all examples.
            labels: Training labels, ``(n,)``.
            spacing: Distance of the examples that the search uses.
        """
        counted, radius = answers.counted[::spacing], answers.radius[::spacing]
        found = []
        for budget in self.budgets:
            battle = Battle(targets, np.flatnonzero(counted & (radius < budget)), labels)
            self.search(battle, min(budget, len(labels)))
            found.append(battle.changed)
        return np.stack(found)


@dataclass(frozen=True)
class CollectiveAttacked:
    """Answers that an attack changes.

    Attributes:
        budgets: Budgets, ascending.
        changed: Number of counted answers that the attack changes, by budget. An attack with a smaller budget counts
            for a larger one.
        counted: ``(m,)`` which answers are counted.
        radius: ``(m,)`` number of changes that each answer survives by itself.
        labels: ``(budgets, n)`` changed training labels by budget.
    """

    budgets: list[int]
    changed: list[int]
    counted: NDArray[np.bool_]
    radius: Float
    labels: NDArray[np.int64]

    @classmethod
    def of(
        cls, attack: "CollectiveAttack", lost: NDArray[np.int64], answers: Answers, labels: NDArray[np.int64]
    ) -> Self:
        """Return the outcome of an attack.

        Args:
            attack: The attack.
            lost: Number of counted answers that differ with the labels of each budget, ``(budgets,)``.
            answers: Answers to all examples.
            labels: Changed labels, ``(budgets, n)``.
        """
        best = [int(lost[: place + 1].argmax()) for place in range(len(lost))]
        changed = [int(lost[place]) for place in best]
        return cls(attack.budgets, changed, answers.counted, answers.radius, labels[best])

    def rows(self, name: str, attack: "CollectiveAttack", assumptions: Sequence[str]) -> list[CollectiveRow]:
        """Return the rows of the table, ascending by budget; see `CollectiveBounds.rows`."""
        examples, number = len(self.counted), int(self.counted.sum())
        return [
            CollectiveRow(
                certifier=name,
                budget=budget,
                counted=attack.counted,
                examples=examples,
                number=number,
                bound=self.changed[place],
                certified=(number - self.changed[place]) / examples,
                pointwise=float((self.counted & (self.radius >= budget)).mean()),
                multipliers=hash_of(self.labels[place]),
                classifier=attack.classifier,
                deterministic=True,
                sound=False,
                assumptions="; ".join(dict.fromkeys(assumptions)),
            )
            for place, budget in enumerate(self.budgets)
        ]


def attacked_together(
    attack: "CollectiveAttack", blocks: Callable[[], Iterable[LinearExamples]], truth: NDArray[np.int64]
) -> CollectiveAttacked:
    """Attack all examples together.

    Args:
        attack: The attack.
        blocks: Returns all examples in blocks, in order. Called twice.
        truth: True classes, ``(m,)``.
    """
    targets, pieces, spacing, start = [], [], 0, 0
    labels = np.zeros(0, np.int64)
    for block in blocks():
        spacing = spacing or attack.spacing(block, len(truth))
        labels = block.labels
        targets.append(Targets.of(block, start, spacing))
        pieces.append(Piece(block.prediction, block.radius, None))
        start += len(block.prediction)
    answers = Answers.of(attack, pieces, truth)
    changed = attack.labels(Targets.joined(targets), answers, labels, spacing)
    lost, start = np.zeros(len(changed), np.int64), 0
    for block in blocks():
        end = start + len(block.prediction)
        lost += lost_answers(block, changed, answers.counted[start:end])
        start = end
    return CollectiveAttacked.of(attack, lost, answers, changed)


def lost_answers(examples: LinearExamples, labels: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many counted answers of a block differ with other training labels, ``(budgets,)``.

    Args:
        examples: The block.
        labels: Training labels by budget, ``(budgets, n)``.
        counted: Which answers of the block are counted, ``(b,)``.
    """
    lost = [(counted & (examples.answers(changed) != examples.prediction)).sum() for changed in labels]
    return np.array(lost, np.int64)


def check_labels(attack: CollectiveAttack, changed: NDArray[np.int64], examples: LinearExamples) -> None:
    """Raise unless labels are training labels with at most as many changes as each budget allows.

    Args:
        attack: The attack.
        changed: Changed labels by budget, ``(budgets, n)``.
        examples: Any block of examples.

    Raises:
        ValueError: Naming what is wrong.
    """
    given, labels = np.asarray(changed), examples.labels
    shape = (len(attack.budgets), len(labels))
    if given.shape != shape or given.dtype.kind not in "iu":
        refuse_words(attack, "labels", f"{given.dtype} of shape {list(given.shape)}", f"int64 of shape {shape}")
    if not (given.min(initial=0) >= 0 and given.max(initial=0) < examples.targets):
        refuse_words(attack, "labels", f"{given.min()} to {given.max()}", f"within 0 .. {examples.targets - 1}")
    for budget, number in zip(attack.budgets, (given != labels).sum(1).tolist(), strict=True):
        if number > budget:
            refuse_words(attack, "labels", f"{number} changed", f"at most {budget} changed, the budget")


class Battle:
    """Changes of training labels, and how far they lower the leads of some answers.

    Args:
        targets: All targets.
        rows: The answers to change, positions in the targets.
        labels: Training labels, ``(n,)``.

    Attributes:
        labels: Training labels.
        changed: The labels after the changes, ``(n,)``.
    """

    def __init__(self, targets: Targets, rows: NDArray[np.intp], labels: NDArray[np.int64]) -> None:
        self._needed, self._lowest = targets.needed[rows], targets.lowest[rows]
        self.labels, self.changed = labels, labels.copy()
        self._remaining = self._needed.copy()
        self._members = [np.flatnonzero(labels == label) for label in range(targets.lowest.shape[2])]
        # One row per label, since labels are changed in small groups.
        self._parts = [transposed(targets.weights, rows, members) for members in self._members]

    @property
    def flipped(self) -> NDArray[np.intp]:
        """Positions of the changed labels."""
        return np.flatnonzero(self.changed != self.labels)

    @property
    def won(self) -> int:
        """Number of answers that have changed, to working precision."""
        return int((self._remaining.min(1, initial=np.inf) <= 0).sum())

    def scores(self, emphasis: float) -> Float:
        """Return how useful it is to change each label to each class, ``(n, K)``; -inf for changed labels."""
        rows = np.arange(len(self._remaining))
        rival = self._remaining.argmin(1)
        left = self._remaining[rows, rival]
        open_ = left > 0
        share = np.divide(left, self._needed[rows, rival], where=open_, out=np.ones(len(left)))
        worth = np.where(open_, np.maximum(share, 1e-3) ** -emphasis, 0) / np.where(open_, left, 1)
        lead = self._lowest[rows, rival]
        out = np.full((len(self.labels), lead.shape[1]), -np.inf)
        for label, (members, part) in enumerate(zip(self._members, self._parts, strict=True)):
            factor = (worth[:, None] * (lead[:, label, None] - lead)).astype(np.float32)
            out[members] = part @ factor
            out[members, label] = -np.inf
        out[self.changed != self.labels] = -np.inf
        return out

    def change(self, places: NDArray[np.intp], classes: NDArray[np.int64]) -> None:
        """Change some labels to some classes, also back."""
        before = self.changed[places]
        self._add(places, before, -1.0)
        self.changed[places] = classes
        self._add(places, classes, 1.0)

    def greedy(self, budget: int, emphasis: float, group: int) -> None:
        """Make up to ``budget`` further changes, the most useful ones first, in groups of one size."""
        while budget > 0:
            scores = self.scores(emphasis)
            best = scores.argmax(1)
            value = scores[np.arange(len(scores)), best]
            top = np.argsort(-value, kind="stable")[: min(group, budget)]
            top = top[value[top] > 0]
            if not len(top):
                return
            self.change(top, best[top])
            budget -= len(top)

    def _add(self, places: NDArray[np.intp], classes: NDArray[np.int64], sign: float) -> None:
        """Lower the leads by what some labels lose when they change from their original class to others."""
        lowest, original = self._lowest, self.labels[places]
        for label, (members, part) in enumerate(zip(self._members, self._parts, strict=True)):
            some = original == label
            if some.any():
                chosen = np.zeros((some.sum(), lowest.shape[2]), np.float32)
                chosen[np.arange(len(chosen)), classes[some]] = sign
                moved = part[np.searchsorted(members, places[some])].T @ chosen
                losses = moved.sum(1)[:, None] * lowest[:, :, label] - np.einsum("ic,ikc->ik", moved, lowest)
                self._remaining -= losses


class GreedyFlips(CollectiveAttack):
    """Attack that changes the labels with the largest total effect on answers that are not lost yet, group by group.

    The effect on an answer counts as a fraction of what its closest rival still needs. Of several weights of nearly
    lost answers, the best result is kept.
    """

    def search(self, battle: Battle, budget: int) -> None:
        """Change up to ``budget`` labels; see `CollectiveAttack.search`."""
        best, most = battle.labels, 0
        for emphasis in EMPHASIS:
            undo(battle, battle.flipped)
            battle.greedy(budget, emphasis, group_of(budget))
            if battle.won > most:
                best, most = battle.changed.copy(), battle.won
        back_to(battle, best)


class LocalSearchFlips(GreedyFlips):
    """Attack that improves `GreedyFlips`: takes back some changes at random, makes others, and keeps what is no worse.

    Args:
        budgets: As for `CollectiveCertifier`.
        counted: As for `CollectiveCertifier`.
        seed: Seed of random choices, at least 0.
        rounds: Number of steps, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, budgets: Sequence[int], counted: Counted = "right", seed: int = 0, rounds: int = 20) -> None:
        super().__init__(budgets, counted, seed)
        at_least(self, 1, rounds=rounds)
        self.rounds = rounds

    def search(self, battle: Battle, budget: int) -> None:
        """Change up to ``budget`` labels; see `CollectiveAttack.search`."""
        super().search(battle, budget)
        rng = np.random.default_rng([self.seed, budget])
        for number in range(self.rounds):
            before, won = battle.changed.copy(), battle.won
            flipped = battle.flipped
            undo(battle, rng.permutation(flipped)[: max(1, round(UNDONE * len(flipped)))])
            battle.greedy(budget - len(battle.flipped), EMPHASIS[number % len(EMPHASIS)], group_of(budget))
            if battle.won < won:
                back_to(battle, before)


def group_of(budget: int) -> int:
    """Return the number of labels that are changed at a time."""
    return max(1, -(-budget // PASSES))


def transposed(weights: Single | csr_matrix, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Single | csr_matrix:
    """Return some rows and columns of a matrix, transposed, with rows of the result together in memory."""
    some = weights[np.ix_(rows, columns)].T
    return np.ascontiguousarray(some) if isinstance(some, np.ndarray) else some.tocsr()


def undo(battle: Battle, places: NDArray[np.intp]) -> None:
    """Change some labels back."""
    battle.change(places, battle.labels[places])


def back_to(battle: Battle, labels: NDArray[np.int64]) -> None:
    """Change the labels to given ones."""
    other = np.flatnonzero(battle.changed != labels)
    battle.change(other, labels[other])
