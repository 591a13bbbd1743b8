"""Finished examples go to disk as they come."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from callbacks.run_directory import RunDirectory
from smoothing.certificates import Certificates, rows


class ShardWriter(BasePredictionWriter):
    """Appends the rows of each finished example to this rank's shard, and how long it took to a file beside it.

    Args:
        directory: The directory of the run.
    """

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(write_interval="batch")
        self._directory = directory

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open this rank's files."""
        self._shard = self._directory.shard(trainer.global_rank)
        self._timings = self._directory.timings(trainer.global_rank).open("a", encoding="utf-8", buffering=1)

    def on_predict_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Mapping[str, Certificates],
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one line per example with the rows of all its certifiers, and one with its share of the time."""
        index, _, label = batch
        seconds = (time.perf_counter() - self._started) / len(index)
        columns = [rows(name, certificates, index.cpu(), label.cpu()) for name, certificates in prediction.items()]
        for example in zip(*columns, strict=True):
            self._shard.append(example)
            self._timings.write(f"{example[0].index}\t{seconds:.6f}\n")

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close this rank's files."""
        self._shard.close()
        self._timings.close()
