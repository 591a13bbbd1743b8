"""A Lightning trainer with one more verb."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from callbacks.draw_writer import DrawWriter
from callbacks.shard_writer import ShardWriter
from lightning_modules.certifying.certification import Certification, Examples
from lightning_modules.certifying.opening import Opening
from lightning_modules.certifying.retraining import DrawsToDo, Retraining
from lightning_modules.certifying.to_do import ExamplesToDo
from reporting.report import report
from smoothing.runs.files import named_errors
from smoothing.runs.progress import Progress
from smoothing.runs.run_directory import RunDirectory

EXPECTED_WARNINGS = (
    "Total length of .* across ranks is zero",  # fewer examples are missing than there are ranks, or none
    ".*LeafSpec.* is deprecated",  # between Lightning and torch
    "The 'predict_dataloader' does not have many workers",  # examples in memory need none
)
"""What Lightning warns of though it is meant."""

FULL = "32-true"
"""Precision in which inputs come to be certified as they are. A trainer's is no part of what a run is known by."""


class Trainer(pl.Trainer):
    """Fits like Lightning's trainer, on any of its strategies, and certifies."""

    callbacks: list[Callback]

    def certify(
        self,
        model: Certification,
        datamodule: pl.LightningDataModule,
        run_dir: str | Path,
        config: Mapping[str, Any] | None = None,
        loggers: Sequence[Logger] | None = None,
    ) -> None:
        """Certify every example of a data set, or go on where an earlier run stopped.

        Nothing is written before everything is known to be good. Rows are computed once: what stands in the run
        directory is left alone.

        Args:
            model: What certifies.
            datamodule: Training set and examples.
            run_dir: The directory of the run, made if there is none.
            config: The resolved config, by which the directory is known again; without one, what is unfinished in it
                is not gone on with.
            loggers: Where the finished run is logged, on one rank; CSV, TensorBoard and wandb in the run directory
                unless given.

        Raises:
            ValueError: If model or data are bad, or the directory is another run's, damaged or cannot be written.
            RuntimeError: If anything goes wrong after the first row was asked for.
            OSError: If a file of the run directory cannot be written then, naming it, for example on a full disk.
        """
        directory = RunDirectory(run_dir)
        progress = Progress(directory, config or {})
        draws, examples = DrawsToDo(datamodule, progress), ExamplesToDo(datamodule, progress)

        def views() -> None:
            report(directory, model.measure.distance, loggers, config or {}, model.votes.inputs)

        self.finish(model, progress, draws, examples, views)

    def finish(
        self,
        model: Certification,
        progress: Progress,
        draws: DrawsToDo,
        examples: ExamplesToDo,
        views: Callable[[], None],
    ) -> None:
        """Finish the draws and the examples of a run, then make the views of its results; see `certify`.

        Args:
            model: The module that certifies.
            progress: Progress of the run.
            draws: Draws to finish, if draws are kept.
            examples: Examples to certify.
            views: Makes the views, on one rank.
        """
        if self.precision != FULL:
            raise ValueError(f"trainer.precision = {self.precision}; must be {FULL} to certify: votes have their own")
        directory = progress.directory
        opening = Opening(progress, model)
        model.begin(cast(Examples, examples.examples), progress)
        own = self.callbacks, self.loggers
        # A logger opens its files before the first check; none may stand in the directory of a refused run.
        self.loggers = []
        try:
            with warnings.catch_warnings():
                for expected in EXPECTED_WARNINGS:
                    warnings.filterwarnings("ignore", expected)
                if model.votes.kept:
                    self.callbacks = [*own[0], opening, DrawWriter(directory)]
                    self._finish_draws(model, draws)
                self.callbacks = [*own[0], opening, ShardWriter(directory)]
                self.predict(model, datamodule=examples, return_predictions=False)
            # The other ranks may still be writing their last rows.
            self.strategy.barrier("every row is written")
            if self.is_global_zero:
                directory.acquire()
                with named_errors(directory.path):
                    views()
                if progress.nothing_to_do:
                    print(progress.nothing_to_do)
        except (ValueError, OSError) as error:
            if not progress.opened:
                raise
            if isinstance(error, OSError) and error.filename is not None and directory.holds(error.filename):
                reason = f"{error.strerror}; finished rows are kept: run the same command again to resume"
                raise OSError(error.errno, reason, error.filename) from error
            # What is said of the input is said before the first row; a complaint that comes later is a defect.
            raise RuntimeError(f"{directory.path}: stopped by an error; start again to go on") from error
        finally:
            self.callbacks, self.loggers = own
            progress.close()
            if progress.checked:
                model.end()

    def _finish_draws(self, model: Certification, to_do: DrawsToDo) -> None:
        """Finish draws until no certifier misses any."""
        while True:
            self.predict(Retraining(model), datamodule=to_do, return_predictions=False)
            if not to_do.missing:
                return
            # The next look is at the draws of all ranks.
            self.strategy.barrier("every draw is written")
