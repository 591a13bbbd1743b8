"""Collective certificates of a run, after the certificates of all examples."""

from typing import Any, TypeVar

import numpy as np
import torch
from pytorch_lightning.strategies import Strategy
from torch import Tensor

from lightning_modules.certifying.certification import Certification
from smoothing.collective import CollectiveCertifier, CollectiveRow, CollectiveTable, Questions
from smoothing.collective.questions import Whole
from smoothing.collective.run import BLOCK, Answers, Piece, Plan, check_multipliers, evaluated
from smoothing.numerics.threads import one_thread
from smoothing.runs.files import named_errors
from smoothing.runs.progress import Progress
from smoothing.votes import Ballots

T = TypeVar("T")


class CollectivePass:
    """Computes the collective certificates of a run. The ranks share the questions, in blocks of fixed size.

    Answers of all ranks are gathered in the order of the questions, multipliers are found on one rank, and totals are
    whole numbers. The result is the same to the bit on any number of ranks. Multipliers are stored once they are found,
    so that an interrupted pass does not search again.

    Args:
        model: The module that certifies, after `Certification.setup`.
        progress: Progress of the run.
        strategy: Strategy of the trainer.
    """

    def __init__(self, model: Certification, progress: Progress, strategy: Strategy) -> None:
        self._model = model
        self._progress = progress
        self._strategy = strategy
        self._features: dict[int, tuple[Tensor, Tensor]] = {}

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
        rows: list[CollectiveRow] = []
        with torch.inference_mode(False), torch.no_grad():
            for name, certifier in self._model.collective.items():
                rows += self._rows(name, certifier)
        if self._first:
            CollectiveTable(rows).write_csv(directory.collective)
        self._strategy.barrier("collective certificates are written")
        return True

    def _rows(self, name: str, certifier: CollectiveCertifier) -> list[CollectiveRow]:
        data = self._model.data
        tests = data.test_set()
        truth = np.array([tests[position][2] for position in data.requested], np.int64)
        blocks = -(-len(truth) // BLOCK)
        own = range(self._rank, blocks, self._ranks)
        plan = Plan.of(self._questions(certifier, 0), len(truth))
        known: Any = self._strategy.broadcast(self._stored(name, certifier, len(truth)))
        found = {number: plan.piece(self._questions(certifier, number), search=known is None) for number in own}
        pieces = self._in_order(found)
        answers = Answers.of(certifier, pieces, truth)
        if known is None:
            with one_thread():
                multipliers = plan.multipliers(certifier, pieces, answers) if self._first else None
            if multipliers is not None:
                multipliers = np.where(answers.counted, multipliers, 0)
                self._store(name, multipliers)
            known = self._strategy.broadcast(multipliers)
        check_multipliers(certifier, known, len(truth))
        chosen = np.where(answers.counted, known, 0)
        totals: Any = 0
        for number in own:
            some = slice(number * BLOCK, (number + 1) * BLOCK)
            totals = totals + self._questions(certifier, number).totals(chosen[:, some])
        summed = sum(self._gathered(totals))
        ballots = Ballots(self._model.measure, self._model.votes, *self._inputs(0), self._model.seed)
        bounds = evaluated(certifier, np.asarray(summed), chosen, answers)
        return bounds.rows(name, certifier, (*ballots.assumptions, *self._model.assumptions))

    def _questions(self, certifier: CollectiveCertifier, number: int) -> Questions:
        """Return one block of questions."""
        ballots = Ballots(self._model.measure, self._model.votes, *self._inputs(number), self._model.seed)
        return certifier.questions(ballots)

    def _inputs(self, number: int) -> tuple[Tensor, Tensor]:
        """Return what the votes get of one block of questions, and the positions of these; cached."""
        if number not in self._features:
            data = self._model.data
            tests, positions = data.test_set(), data.requested[number * BLOCK : (number + 1) * BLOCK]
            x = torch.stack([tests[position][1] for position in positions])
            self._features[number] = self._model.features(x), torch.tensor(positions)
        return self._features[number]

    def _stored(self, name: str, certifier: CollectiveCertifier, m: int) -> Whole | None:
        """Return the multipliers that an interrupted pass has found, on the first rank."""
        path = self._progress.directory.multipliers(name)
        if not self._first or not path.is_file():
            return None
        try:
            found = np.load(path)
            check_multipliers(certifier, found, m)
        except ValueError as error:
            raise ValueError(f"{path}: damaged ({error}); must hold multipliers: remove it") from error
        return np.asarray(found, np.int64)

    def _store(self, name: str, multipliers: Whole) -> None:
        path = self._progress.directory.multipliers(name)
        with named_errors(path):
            path.parent.mkdir(exist_ok=True)
            draft = path.with_suffix(".part")
            with draft.open("wb") as file:
                np.save(file, multipliers)
            draft.replace(path)

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

    def _in_order(self, found: dict[int, Piece]) -> list[Piece]:
        """Return the pieces of all ranks in the order of their blocks."""
        every = {number: piece for of_rank in self._gathered(found) for number, piece in of_rank.items()}
        return [every[number] for number in sorted(every)]


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
