"""Finished work goes to disk as it comes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from smoothing.certificates.journal import Journal
from smoothing.runs.files import named_errors
from smoothing.runs.run_directory import RunDirectory

P = TypeVar("P")


class JournalWriter(BasePredictionWriter, ABC, Generic[P]):
    """Appends each finished piece of work to this rank's journal, and how long it took to a file beside it.

    Args:
        directory: The directory of the run.
    """

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(write_interval="batch")
        self.directory = directory

    @abstractmethod
    def open(self, rank: int) -> tuple[Journal[P], Path]:
        """The journal of one rank, and where it notes how long its work took."""

    @abstractmethod
    def pieces(self, prediction: Any, batch: Any) -> Sequence[tuple[str, P]]:
        """The pieces of a finished batch, each by what it is called among the timings."""

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open this rank's files."""
        self._journal, timings = self.open(trainer.global_rank)
        self._timings = timings.open("a", encoding="utf-8")

    def on_predict_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Any,
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one line per piece, and one with its share of the time."""
        spent = time.perf_counter() - self._started
        pieces = self.pieces(prediction, batch)
        self.directory.lock.confirm()
        self._journal.extend([piece for _, piece in pieces])
        with named_errors(self._timings.name):
            self._timings.write("".join(f"{name}\t{spent / len(pieces):.6f}\n" for name, _ in pieces))
            self._timings.flush()

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close this rank's files."""
        self._journal.close()
        self._timings.close()
