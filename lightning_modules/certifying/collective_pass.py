"""Collective certificates of a run, after the certificates of all examples."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from pytorch_lightning.strategies import Strategy
from torch import Tensor

from lightning_modules.certifying.certification import Certification
from smoothing.attacks.labels.collective_attack import (
    CollectiveAttack,
    CollectiveAttacked,
    Targets,
    check_labels,
    lost_answers,
)
from smoothing.collective import (
    AnsweredExamples,
    CollectiveBounds,
    CollectiveCertifier,
    CollectiveEvaluator,
    CollectiveRow,
    CollectiveTable,
)
from smoothing.collective.examples import Float, Whole
from smoothing.collective.linear import LinearExamples
from smoothing.collective.run import BLOCK, Answers, Piece, Plan, check_multipliers, evaluated
from smoothing.files import draft, named_errors
from smoothing.numerics.threads import one_thread
from smoothing.runs.progress import Progress
from smoothing.votes import Ballots

T = TypeVar("T")
E = TypeVar("E", bound=AnsweredExamples)


class CollectivePass:
    """Computes the collective certificates of a run. The ranks share the examples, in blocks of fixed size.

    Answers of all ranks are gathered in the order of the examples, multipliers are found on one rank, and totals are
    whole numbers. The result is the same to the bit on any number of ranks. Multipliers and changed labels are stored
    once they are found, so that an interrupted pass does not search again.

    Args:
        model: The module that certifies, after `Certification.setup`.
        progress: Progress of the run.
        strategy: Strategy of the trainer.
        limit: Number of examples, to measure a part of the work; all by default.
    """

    def __init__(self, model: Certification, progress: Progress, strategy: Strategy, limit: int | None = None) -> None:
        self._model = model
        self._progress = progress
        self._strategy = strategy
        self._limit = limit
        self._features: dict[int, tuple[Tensor, Tensor]] = {}
        self._radii: dict[tuple[type, int], Float] = {}

    @property
    def _first(self) -> bool:
        return bool(self._strategy.is_global_zero)

    def run(self) -> bool:
        """Compute and write missing collective certificates. Call it on every rank, after the last row is written.

        Returns:
            Whether there was anything to compute.
        """
        directory = self._progress.directory
        if not self._strategy.broadcast(self._model.collective_remains):
            return False
        directory.check_fitted(self._model.fitted)
        if self._first:
            directory.acquire()
        rows = self.certificates()
        if self._first:
            CollectiveTable(rows).write_csv(directory.collective)
        self._strategy.barrier("collective certificates are written")
        return True

    def certificates(self) -> list[CollectiveRow]:
        """Compute the rows of the table."""
        rows: list[CollectiveRow] = []
        with torch.inference_mode(False), torch.no_grad():
            for name, evaluator in self._model.collective.items():
                rows += self._rows(name, evaluator)
        return rows

    @property
    def _requested(self) -> Sequence[int]:
        return self._model.data.requested[: self._limit]

    def _rows(self, name: str, evaluator: CollectiveEvaluator) -> list[CollectiveRow]:
        tests = self._model.data.test_set()
        truth = np.array([tests[position][2] for position in self._requested], np.int64)
        assumptions = (*self._ballots(0).assumptions, *self._model.assumptions)
        if isinstance(evaluator, CollectiveAttack):
            return self._attacked(name, evaluator, truth).rows(name, evaluator, assumptions)
        assert isinstance(evaluator, CollectiveCertifier)
        return self._bounds(name, evaluator, truth).rows(name, evaluator, assumptions)

    def _bounds(self, name: str, certifier: CollectiveCertifier, truth: Whole) -> CollectiveBounds:
        """Return the bounds of one certifier."""
        plan = Plan.of(self._examples(certifier, 0), len(self._model.data.requested))

        def check(given: Whole) -> None:
            check_multipliers(certifier, given, len(truth))

        known: Any = self._strategy.broadcast(self._stored(name, "multipliers", check))
        found = {}
        for number in self._own(truth):
            block = self._answered(self._examples(certifier, number), number)
            found[number] = plan.piece(block, search=known is None)
        pieces = self._in_order(found)
        answers = Answers.of(certifier, pieces, truth)
        if known is None:

            def search() -> Whole:
                return np.where(answers.counted, plan.multipliers(certifier, pieces, answers), 0)

            known = self._solved(name, search)
        chosen = np.where(answers.counted, known, 0)
        totals: Any = 0
        for number in self._own(truth):
            totals = totals + self._examples(certifier, number).totals(chosen[:, _block(number)])
        return evaluated(certifier, np.asarray(sum(self._gathered(totals))), chosen, answers)

    def _attacked(self, name: str, attack: CollectiveAttack, truth: Whole) -> CollectiveAttacked:
        """Return the answers that one attack changes."""
        first = attack.examples(self._ballots(0))
        spacing = attack.spacing(first, len(self._model.data.requested))

        def check(given: Whole) -> None:
            check_labels(attack, given, first)

        labels: Any = self._strategy.broadcast(self._stored(name, "changed labels", check))
        found = {}
        for number in self._own(truth):
            block = self._answered(attack.examples(self._ballots(number)), number)
            needed = Targets.of(block, number * BLOCK, spacing) if labels is None else None
            found[number] = Piece(block.prediction, block.radius, None), needed
        pieces, targets = zip(*self._in_order(found), strict=True)
        answers = Answers.of(attack, pieces, truth)
        if labels is None:

            def search() -> Whole:
                return attack.labels(Targets.joined(targets), answers, first.labels, spacing)

            labels = self._solved(name, search)
        lost: Any = np.zeros(len(labels), np.int64)
        for number in self._own(truth):
            block = attack.examples(self._ballots(number))
            lost = lost + lost_answers(block, labels, answers.counted[_block(number)])
        return CollectiveAttacked.of(attack, np.asarray(sum(self._gathered(lost))), answers, labels)

    def _solved(self, name: str, search: Callable[[], Whole]) -> Whole:
        """Return the result of a search on the first rank, to all ranks. It is stored."""
        made = None
        if self._first:
            with one_thread():
                made = search()
            self._store(name, made)
        return np.asarray(self._strategy.broadcast(made), np.int64)

    def _own(self, truth: Whole) -> range:
        """Return the numbers of the blocks of this rank."""
        return range(self._rank, -(-len(truth) // BLOCK), self._ranks)

    def _ballots(self, number: int) -> Ballots:
        return Ballots(self._model.measure, self._model.votes, *self._inputs(number), self._model.seed)

    def _examples(self, certifier: CollectiveCertifier, number: int) -> AnsweredExamples:
        """Return one block of examples."""
        return certifier.examples(self._ballots(number))

    def _answered(self, examples: E, number: int) -> E:
        """Set the radii of a block of examples if another certifier of the same vote has computed them."""
        key = type(examples), number
        if isinstance(examples, LinearExamples):
            if key in self._radii:
                examples.radius = self._radii[key]
            self._radii[key] = examples.radius
        return examples

    def _inputs(self, number: int) -> tuple[Tensor, Tensor]:
        """Return what the votes get of one block of examples, and the positions of these; cached."""
        if number not in self._features:
            tests, positions = self._model.data.test_set(), self._requested[_block(number)]
            x = self._model.features_of({position: tests[position][1] for position in positions})
            self._features[number] = x, torch.tensor(positions)
        return self._features[number]

    def _stored(self, name: str, what: str, check: Callable[[Whole], None]) -> Whole | None:
        """Return the result of the search of an interrupted pass, on the first rank."""
        path = self._progress.directory.multipliers(name)
        if not self._first or not path.is_file():
            return None
        try:
            found = np.load(path)
            check(found)
        except ValueError as error:
            raise ValueError(f"{path}: damaged ({error}); must hold {what}: remove it") from error
        return np.asarray(found, np.int64)

    def _store(self, name: str, found: Whole) -> None:
        path = self._progress.directory.multipliers(name)
        with named_errors(path):
            path.parent.mkdir(exist_ok=True)
        with draft(path) as made, made.open("wb") as file:
            np.save(file, found)

    @property
    def _ranks(self) -> int:
        return torch.distributed.get_world_size() if _distributed() else 1

    @property
    def _rank(self) -> int:
        return torch.distributed.get_rank() if _distributed() else 0

    def _gathered(self, own: T) -> list[T]:
        """Return the objects of all ranks, by rank."""
        if self._ranks == 1:
            return [own]
        out: list[Any] = [None] * self._ranks
        torch.distributed.all_gather_object(out, own)
        return out

    def _in_order(self, found: dict[int, T]) -> list[T]:
        """Return the pieces of all ranks in the order of their blocks."""
        every = {number: piece for of_rank in self._gathered(found) for number, piece in of_rank.items()}
        return [every[number] for number in sorted(every)]


def _block(number: int) -> slice:
    return slice(number * BLOCK, (number + 1) * BLOCK)


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
