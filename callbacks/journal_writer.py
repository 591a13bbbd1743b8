"""Callback that appends results to disk as soon as they are computed."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from smoothing.certificates.journal import Journal
from smoothing.files import named_errors
from smoothing.runs.run_directory import RunDirectory

P = TypeVar("P")


class JournalWriter(BasePredictionWriter, ABC, Generic[P]):
    """Callback that appends each finished piece of work to the journal of its rank, and its computing time to a file.

    Args:
        directory: The run directory.
    """

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(write_interval="batch")
        self.directory = directory

    @abstractmethod
    def open(self, rank: int) -> tuple[Journal[P], Path]:
        """Open the journal of one rank. Return it and the path of its file of computing times."""

    @abstractmethod
    def pieces(self, prediction: Any, batch: Any) -> Sequence[tuple[str, P]]:
        """Return the pieces of a finished batch, each with its name in the file of computing times."""

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the files of this rank."""
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
        """Write each piece, and its share of the computing time of the batch in seconds.

        Raises:
            OSError: If a file cannot be written, with its name.
            RuntimeError: If another process has taken over the run.
        """
        spent = time.perf_counter() - self._started
        pieces = self.pieces(prediction, batch)
        self.directory.lock.confirm()
        self._journal.extend([piece for _, piece in pieces])
        with named_errors(self._timings.name):
            self._timings.write("".join(f"{name}\t{spent / len(pieces):.6f}\n" for name, _ in pieces))
            self._timings.flush()

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the files of this rank."""
        self._journal.close()
        self._timings.close()
