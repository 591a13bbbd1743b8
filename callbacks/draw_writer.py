"""Finished draws go to disk as they come."""

import time
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from callbacks.run_directory import RunDirectory
from smoothing.votes import Draw, Predictions


class DrawWriter(BasePredictionWriter):
    """Appends each finished draw to this rank's shard, and how long it took to a file beside it.

    Args:
        directory: The directory of the run.
    """

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(write_interval="batch")
        self._directory = directory

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open this rank's files."""
        self._shard = self._directory.draw_shard(trainer.global_rank)
        self._timings = self._directory.draw_timings(trainer.global_rank).open("a", encoding="utf-8", buffering=1)

    def on_predict_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Sequence[Predictions],
        batch_indices: Sequence[int] | None,
        batch: Sequence[Draw],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one line per draw with its predictions, and one with its share of the time."""
        seconds = (time.perf_counter() - self._started) / len(batch)
        for draw, predictions in zip(batch, prediction, strict=True):
            self._shard.append(draw, predictions)
            self._timings.write(f"{draw.stream}\t{draw.number}\t{seconds:.6f}\n")

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close this rank's files."""
        self._shard.close()
        self._timings.close()
