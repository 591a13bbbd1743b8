"""Lightning trainer with the methods `certify` and `attack`."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ProgressBar
from pytorch_lightning.loggers import Logger

from callbacks.draw_writer import DrawWriter
from callbacks.shard_writer import ShardWriter
from callbacks.watch import Watch
from lightning_modules.certifying.attacking import attack
from lightning_modules.certifying.certification import Certification, Examples
from lightning_modules.certifying.collective_pass import CollectivePass
from lightning_modules.certifying.opening import Opening
from lightning_modules.certifying.retraining import DrawsToDo, Retraining
from lightning_modules.certifying.to_do import EXPECTED_WARNINGS, ExamplesToDo
from lightning_modules.defences.trials import DefenceTrials
from reporting.live import LiveRun
from reporting.report import report
from reporting.tally import Tally
from smoothing.distance import Distance
from smoothing.files import named_errors
from smoothing.runs.progress import Progress
from smoothing.runs.run_directory import RunDirectory

FULL = "32-true"
"""Precision of the trainer that does not round inputs. The trainer is not part of the identity of a run."""


class Trainer(pl.Trainer):
    """Lightning trainer that also certifies and attacks, with any strategy."""

    callbacks: list[Callback]

    def certify(
        self,
        model: Certification,
        datamodule: pl.LightningDataModule,
        run_dir: str | Path,
        config: Mapping[str, Any] | None = None,
        loggers: Sequence[Logger] | None = None,
        watch_radius: float | None = None,
    ) -> None:
        """Certify every requested example of a data set, or resume an interrupted run.

        Nothing is written before all checks have passed. Finished rows are neither computed again nor changed.

        Args:
            model: The module that certifies.
            datamodule: Training set and examples.
            run_dir: The run directory. It is created if it does not exist.
            config: The resolved config, which identifies the owner of the directory. Without a config, an unfinished
                run is not resumed.
            loggers: Loggers of the finished run, used on one rank; by default CSV, TensorBoard and wandb in the run
                directory.
            watch_radius: Radius at which certified accuracy so far is shown and logged while the run computes. By
                default 1 for whole-numbered distances and 0 for others.

        Raises:
            ValueError: If model or data are invalid, or if the directory belongs to another run, is in use, is damaged
                or cannot be written.
            RuntimeError: If an error occurs after the first result was requested.
            OSError: If a file of the run directory cannot be written after that, with its name, for example because
                the disk is full.
        """
        directory = RunDirectory(run_dir)
        progress = Progress(directory, config or {})
        draws, examples = DrawsToDo(datamodule, progress), ExamplesToDo(datamodule, progress)

        def views() -> None:
            tests = model.data.test_set()
            report(directory, distance, live.opened, config or {}, model.inputs, tests)

        distance = model.measure.distance
        live = LiveRun(directory, loggers, config or {}, distance)
        tally = Tally(directory, distance, _watched(watch_radius, distance))
        watch = Watch(tally, lambda: len(progress.requested), self.progress_bar_callback is not None, live.log)
        try:
            self.finish(model, progress, draws, examples, views, watch, collective=True)
        finally:
            live.close()

    def attack(
        self,
        model: DefenceTrials,
        datamodule: pl.LightningDataModule,
        run_dir: str | Path,
        config: Mapping[str, Any] | None = None,
        loggers: Sequence[Logger] | None = None,
    ) -> None:
        """Try attacks on targets against defences, or resume interrupted trials.

        The ranks share attacks and targets. Each finished trial is written at once to the folder ``trials`` of the run
        directory, and the poisons to the folder ``poisons``. At the end, all trials are in ``trials.csv``.

        Args:
            model: Training recipe and defences.
            datamodule: Data with attacks and targets, a `PoisoningTrials`.
            run_dir: The run directory. It is created if it does not exist.
            config: The resolved config, which identifies the owner of the directory. Without a config, an unfinished
                run is not resumed.
            loggers: Loggers of success and accuracy, used on one rank; by default CSV, TensorBoard and wandb in the run
                directory.

        Raises:
            ValueError: If model or data are invalid, or if the directory belongs to another run, is in use, is damaged
                or cannot be written.
            RuntimeError: If an error occurs after the first trial was requested.
            OSError: If a file of the run directory cannot be written after that, with its name.
        """
        attack(self, model, datamodule, RunDirectory(run_dir), config or {}, loggers)

    def finish(
        self,
        model: Certification,
        progress: Progress,
        draws: DrawsToDo,
        examples: ExamplesToDo,
        views: Callable[[], None],
        watch: Watch | None = None,
        collective: bool = False,
    ) -> None:
        """Finish the draws and the examples of a run, then make the views of its results; see `certify`.

        Args:
            model: The module that certifies.
            progress: Progress of the run.
            draws: Draws to finish, if draws are kept.
            examples: Examples to certify.
            views: Makes the views, on one rank.
            watch: Shows progress, instead of the bars of Lightning. None to show none.
            collective: Whether to compute collective certificates after those of all examples.
        """
        if self.precision != FULL:
            raise ValueError(f"trainer.precision = {self.precision}; must be {FULL} to certify: votes have their own")
        directory = progress.directory
        opening = Opening(progress, model)
        model.begin(cast(Examples, examples.examples), progress)
        own = self.callbacks, self.loggers
        # The bars of Lightning count batches of one rank.
        others = [callback for callback in own[0] if not isinstance(callback, ProgressBar)]
        # Last, so that it counts a row after it is written.
        watches = [watch] if watch else []
        # Loggers create files early. A run that fails its checks must not create any.
        self.loggers = []
        try:
            with warnings.catch_warnings():
                for expected in EXPECTED_WARNINGS:
                    warnings.filterwarnings("ignore", expected)
                if model.votes.kept:
                    self.callbacks = [*others, opening, DrawWriter(directory), *watches]
                    self._finish_draws(model, draws)
                self.callbacks = [*others, opening, ShardWriter(directory), *watches]
                self.predict(model, datamodule=examples, return_predictions=False)
            # Other ranks can still be writing their last rows.
            self.strategy.barrier("every row is written")
            if watch:
                watch.stop()
            together = CollectivePass(model, progress, self.strategy)
            computed = collective and together.run()
            if self.is_global_zero:
                directory.acquire()
                with named_errors(directory.path):
                    views()
                if progress.nothing_to_do and not computed:
                    print(progress.nothing_to_do)
        except (ValueError, OSError) as error:
            if not progress.opened:
                raise
            if isinstance(error, OSError) and error.filename is not None and directory.holds(error.filename):
                reason = f"{error.strerror}; finished rows are kept, run the same command again to resume"
                raise OSError(error.errno, reason, error.filename) from error
            # Invalid input is reported before the first row. A later error is a defect.
            raise RuntimeError(
                f"{directory.path}: stopped by an error; run the same command again to resume"
            ) from error
        finally:
            if watch:
                watch.close()
            self.callbacks, self.loggers = own
            progress.close()
            if progress.checked:
                model.end()

    def _finish_draws(self, model: Certification, to_do: DrawsToDo) -> None:
        """Compute draws until no certifier misses any."""
        while True:
            self.predict(Retraining(model), datamodule=to_do, return_predictions=False)
            if not to_do.missing:
                return
            # The next pass reads the draws of all ranks.
            self.strategy.barrier("every draw is written")


def _watched(radius: float | None, distance: Distance) -> float:
    """Return the radius at which certified accuracy is shown while a run computes."""
    if radius is None:
        return float(distance.integer)
    if not 0 <= radius < inf or (distance.integer and radius != int(radius)):
        allowed = f"a whole number of {distance.unit}" if distance.integer else "at least 0 and finite"
        raise ValueError(f"watch_radius = {radius}; must be {allowed}")
    return float(radius)
