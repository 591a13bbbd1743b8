"""One run of the certify loop from Python."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from datamodules.given_examples import GivenExamples
from lightning_modules import Certification, Trainer
from lightning_modules.certifying.opening import run_provenance
from lightning_modules.certifying.to_do import EXPECTED_WARNINGS
from reporting.report import report
from smoothing.certificates import Row, Table, rows
from smoothing.runs.progress import Progress
from smoothing.runs.run_directory import RunDirectory


class Session:
    """A model, its data and the settings of a run.

    Args:
        model: The module that certifies.
        data: The examples.
        accelerator: Accelerator of the trainer.
        progress_bar: Whether to show a progress bar.
    """

    def __init__(self, model: Certification, data: GivenExamples, accelerator: str, progress_bar: bool) -> None:
        self.model = model
        self.data = data
        self._accelerator = accelerator
        self._progress_bar = progress_bar

    @property
    def config(self) -> Mapping[str, Any]:
        """Settings of the run, for its config file. Weights, code and data are identified by hashes beside it."""
        model = self.model
        parts = {"measure": model.measure, "certifiers": model.certifiers}
        return {
            "certify": {name: _without_addresses(part) for name, part in parts.items()}
            | {"votes": type(model.votes).__name__, "seed": model.seed}
        }

    def compute(self) -> Table:
        """Certify all examples, and return the table. Labels that are unknown are 0 in it.

        Raises:
            ValueError: If model or data are invalid.
        """
        found = _Collected()
        with _quiet():
            trainer = self._trainer()
            trainer.callbacks.append(found)
            trainer.predict(self.model, datamodule=self.data, return_predictions=False)
        return Table(found.rows)

    def run(self, run_dir: str | Path) -> Table:
        """Certify all examples in a run directory, or resume an interrupted run; see `Trainer.certify`.

        Raises:
            ValueError: If model or data are invalid, or the directory belongs to another run.
        """
        with _quiet():
            self._trainer().certify(self.model, self.data, run_dir, self.config, loggers=())
        return RunDirectory(run_dir).merged()

    def save(self, run_dir: str | Path, table: Table) -> None:
        """Write the rows of a finished run to a run directory; see `Certified.save`.

        Raises:
            ValueError: If the directory belongs to another run, is in use or cannot be written.
        """
        directory = RunDirectory(run_dir)
        progress = Progress(directory, self.config)
        progress.check(self.data.requested, run_provenance(self.model, self.data, self.config))
        try:
            if progress.remaining:
                progress.open(self.model.fitted, write=True)
                missing = set(progress.remaining)
                shard = directory.shard(0)
                for index, example in groupby(table, key=lambda row: row.index):
                    if index in missing:
                        shard.append(list(example))
                shard.close()
            directory.acquire()
            report(directory, self.model.measure.distance, (), self.config)
        finally:
            progress.close()

    def _trainer(self) -> Trainer:
        return Trainer(
            accelerator=self._accelerator,
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=self._progress_bar,
        )


class _Collected(Callback):
    """Callback that collects the rows of all batches."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add the rows of a batch."""
        index, _, label = batch
        for name, answer in outputs.items():
            self.rows += rows(name, answer, index.cpu(), label.clamp(min=0).cpu())


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide information and warnings of Lightning that do not apply to a call from Python."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            for expected in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", expected)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _without_addresses(part: object) -> str:
    """Return a representation that is the same in another process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(part))
