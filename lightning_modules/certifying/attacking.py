"""A run of trials: attacks against defences, shared by ranks and resumed."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from torch.utils.data import DataLoader, Dataset

from callbacks.trial_writer import TrialWriter
from lightning_modules.certifying.certification import NAME
from lightning_modules.certifying.to_do import EXPECTED_WARNINGS
from lightning_modules.defences.trials import Attempt, DefenceTrials
from reporting.trials import summaries, trial_table
from smoothing.certificates.ranks import RankShare
from smoothing.distance import CHANGED
from smoothing.files import named_errors
from smoothing.provenance.identity import source_hashes, state_hashes
from smoothing.runs.provenance import provenance
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import TrialKey, write_csv


class TrialsToDo(pl.LightningDataModule):
    """Data module of the trials that are not finished.

    Args:
        examples: Data with attacks and targets.
        directory: The run directory.
        config: The resolved config.
        model: The module that tries.

    Attributes:
        examples: The data.
        opened: Whether the directory is open and trials are computed.
        keys: All trials of the run, after `setup`.
    """

    def __init__(self, examples: Any, directory: RunDirectory, config: Mapping[str, Any], model: DefenceTrials) -> None:
        super().__init__()
        self.examples = examples
        self.opened = False
        self.keys: list[TrialKey] = []
        self._directory = directory
        self._config = config
        self._model = model
        self._provenance: dict[str, Any] = {}
        self._attempts: list[Attempt] = []

    def prepare_data(self) -> None:
        """Download missing data."""
        self.examples.prepare_data()

    def setup(self, stage: str) -> None:
        """Read the data, check the run and determine the trials that are not finished.

        Raises:
            ValueError: If data or defences are invalid, or the directory belongs to another run.
        """
        data, model = self.examples, self._model
        data.setup(stage)
        for argument, names in (("attacks", data.attacks), ("defences", model.defences)):
            for name in names:
                if not NAME.fullmatch(str(name)):
                    raise ValueError(
                        f"{argument} = {{{name!r}: ...}}; names must consist of letters, digits, "
                        '"_", "-" and ".", and begin with a letter or a digit'
                    )
        model.check(data)
        self.keys = model.keys(data)
        parts = {**model.parts, **{f"attacks.{name}": one for name, one in data.attacks.items()}}
        self._provenance = {"examples": len(self.keys)} | provenance(
            self._config,
            seed=model.seed,
            distance=CHANGED,
            data=data.fingerprint(),
            identity=state_hashes(parts),
            sources=source_hashes({**parts, "data": type(data), "clean data": type(data.data)}),
        )
        self._directory.check(self._provenance)
        finished = self._directory.finished_trials()
        missing = [key for key in self.keys if key not in finished]
        self._attempts = [
            Attempt(attack, number, tuple(key.defence for key in keys))
            for (attack, number), keys in groupby(missing, lambda key: (key.attack, key.number))
        ]

    def predict_dataloader(self) -> DataLoader[Attempt]:
        """Return batches of this rank's share of the attempts, once the run directory is open."""
        trainer = self.trainer
        assert trainer is not None
        if self._attempts and not self.opened:
            if trainer.is_global_zero:
                self._directory.open(self._provenance)
            self.opened = True
        trainer.strategy.barrier("the run directory is open")
        attempts: Any = self._attempts
        data: Dataset[Attempt] = attempts
        share = RankShare(data, range(len(attempts)), trainer.global_rank, trainer.world_size)
        return DataLoader(data, batch_size=1, sampler=share, collate_fn=list)


def attack(
    trainer: pl.Trainer,
    model: DefenceTrials,
    data: Any,
    directory: RunDirectory,
    config: Mapping[str, Any],
    loggers: Sequence[Logger] | None,
) -> None:
    """Finish the trials of a run, write their table and log it; see `Trainer.attack`."""
    to_do = TrialsToDo(data, directory, config, model)
    own: Any = trainer
    before = own.callbacks, own.loggers
    own.callbacks, own.loggers = [*own.callbacks, TrialWriter(directory)], []
    try:
        with warnings.catch_warnings():
            for expected in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", expected)
            trainer.predict(model, datamodule=to_do, return_predictions=False)
        trainer.strategy.barrier("every trial is written")
        if trainer.is_global_zero:
            directory.acquire()
            finished = directory.finished_trials()
            trials = [finished[key] for key in to_do.keys]
            with named_errors(directory.path):
                write_csv(directory.trial_table, trials)
            name = directory.path.resolve().name
            table = trial_table(summaries(name, trials))
            # Imported here, since refused runs write no page.
            from reporting.html.trials_page import poison_pictures, write_trials_page

            with named_errors(directory.path):
                title = f"{name}: attacks against defences"
                pictures = poison_pictures(name, directory, trials)
                write_trials_page(directory.report, title, table, pictures, {name: directory.path})
            table.show()
            print(f"report: {directory.report}")
            if to_do.opened:
                # Imported here, since wandb takes seconds to import.
                from reporting.trial_logger import log_trials

                log_trials(directory, trials, config, loggers)
            else:
                print(f"{len(finished)} of {len(finished)} trials were there; nothing was computed")
    except ValueError as error:
        if not to_do.opened:
            raise
        raise RuntimeError(f"{directory.path}: stopped by an error; run the same command again to resume") from error
    finally:
        own.callbacks, own.loggers = before
        directory.lock.release()
