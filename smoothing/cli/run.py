"""The commands ``certify``, ``fit`` and ``attack``, which run on Lightning."""

import logging
import os
import warnings
from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytorch_lightning as pl
import yaml
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback
from pytorch_lightning.loggers import Logger

from datamodules import DataModule
from lightning_modules import Certification, Trainer
from smoothing.cli import signals
from smoothing.cli.errors import explain, one_line, refuse
from smoothing.cli.help import Formatter, arrange, describe
from smoothing.cli.instances import instantiate
from smoothing.cli.names import nearest
from smoothing.cli.options import (
    check_checkpoint,
    check_options,
    check_processes,
    check_seed,
    check_trainable,
    set_processes,
)
from smoothing.cli.packaged import maker
from smoothing.cli.ranks import World
from smoothing.cli.rooms import import_all
from smoothing.cli.sections import read_config
from smoothing.cli.spelling import NO_OPTIONS
from smoothing.runs.run_directory import RunDirectory, default_run_dir, trial_dir
from smoothing.runs.settings import computed_settings
from smoothing.runs.training import TrainingDirectory

NETWORK_CKPT = "model.init_args.votes.init_args.network.init_args.base_ckpt"
"""Key of the checkpoint of the base classifier in a config."""

BAD_INPUT = (ValueError, OSError, MisconfigurationException)


class SaveConfig(SaveConfigCallback):
    """Callback that saves the resolved config of a training run in its directory and logs it."""

    directory: TrainingDirectory

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Do nothing. Options or the checkpoint may still be refused."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the config."""
        super().setup(trainer, pl_module, "fit")

    def save_config(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Write and log the config. Lightning calls this on rank 0."""
        text = self.parser.dump(self.config, skip_unset=False)
        self.directory.open(text)
        for logger in trainer.loggers:
            logger.log_hyperparams(yaml.safe_load(text))


class RunCLI(LightningCLI):
    """Command line that reads a config, builds trainer, model and data, and certifies, fits or attacks.

    Args:
        args: Command and options, with configs that have sections before the command.
        world: The processes that a launcher started, if it did.
    """

    shown_as: ClassVar[str] = ""
    """Name of the command in its help page, if it is not that of its parser."""

    def __init__(self, args: list[str], world: World | None = None) -> None:
        # The provenance holds devices and seeds, which Lightning prints as information.
        for name in ("pytorch_lightning", "lightning_fabric"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._world = world
        self._first = args[0]
        self._helps = not {"--help", "-h"}.isdisjoint(args)
        super().__init__(
            pl.LightningModule,
            DataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=Trainer,
            seed_everything_default=0,
            save_config_callback=SaveConfig,
            save_config_kwargs={"save_to_log_dir": False},
            auto_configure_optimizers=False,
            parser_kwargs={"prog": "smoothing", "exit_on_error": False, "formatter_class": Formatter},
            args=args,
        )

    def _set_seed(self) -> None:
        """Seed the global generators. Exit with one line if the seed is out of range."""
        with one_line(ValueError):
            check_seed(self._get(self.config, "seed_everything"))
        super()._set_seed()

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # Lightning calls it on the instance
        """Return the arguments of the trainer's methods that are not options, by command.

        The parser of a command takes half a second to build. The other one is left out unless a config has sections.
        """
        return {self._first: NO_OPTIONS[self._first]} if self._first in NO_OPTIONS else NO_OPTIONS

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Build the parser of a command, and arrange its help page."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        arrange(parser, self.shown_as or subcommand)
        if self._helps:
            parser.description = describe(self.shown_as or subcommand)
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the options that all commands share."""
        parser.add_argument(
            "--run_dir",
            type=str | None,
            default=None,
            help="Directory of the run; runs/<folder>/<name> of the config if unset.",
        )
        parser.add_argument("--base_ckpt", type=str | None, default=None, help="Checkpoint of the base classifier.")
        parser.link_arguments("base_ckpt", NETWORK_CKPT)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse the command line. Exit with one line if it is bad."""
        assert isinstance(args, list)
        try:
            self.config = parser.parse_args(args)
        except ArgumentError:
            self._parse_with_all_classes(parser, args)

    def _parse_with_all_classes(self, parser: LightningArgumentParser, args: list[str]) -> None:
        """Parse once more: a file that a config names may name classes too, and messages list all classes."""
        import_all()
        try:
            self.config = parser.parse_args(args)
        except ArgumentError as error:
            refuse(f"{explain(error)}{nearest(error, self._subcommand_parsers)}")

    def _parse_ckpt_path(self) -> None:
        """Keep the config: Lightning would replace settings by the hyper-parameters of a checkpoint."""

    def before_instantiate_classes(self) -> None:
        """Set the processes and the run directory, and check the options of the run."""
        config = self.config[self.subcommand]
        with one_line(ValueError):
            set_processes(config.trainer, self._world)
            if config.run_dir is not None and not config.run_dir.strip():
                raise ValueError("run_dir = ''; must be the path of a directory")
            if config.run_dir is None:
                named_by = config.config or self.config.config
                if not named_by:
                    raise ValueError("run_dir is not given; must be given unless there is a config")
                config.run_dir = str(trial_dir(default_run_dir(str(named_by[-1])), os.environ))
            if config.base_ckpt is not None and NETWORK_CKPT not in config:
                raise ValueError(f"base_ckpt: {config.base_ckpt}; must be unset: {_without_checkpoint(config.model)}")
            if (root := config.trainer.default_root_dir) is not None:
                raise ValueError(f"trainer.default_root_dir: {root}; must be unset. Set run_dir instead")

    def instantiate_classes(self) -> None:
        """Build trainer, model and data. Exit with one line if one of them refuses an argument."""
        with one_line(*BAD_INPUT), self._naming_the_maker():
            self.config_init = self.parser.instantiate(self.config, instantiators=[(instantiate, object, True)])
            self.datamodule = self._get(self.config_init, "data")
            self.model = self._get(self.config_init, "model")
            self.trainer = self.instantiate_trainer()

    def _config_file(self) -> str | None:
        """Return the last config of the command line, or None."""
        named_by = self.config[self.subcommand].config or self.config.config
        return str(named_by[-1]) if named_by else None

    @contextmanager
    def _naming_the_maker(self) -> Iterator[None]:
        """Add the command that makes a checkpoint to the error of its absence."""
        try:
            yield
        except ValueError as error:
            settings = computed_settings(yaml.safe_load(self.parser.dump(self.config, skip_unset=False)))
            paths = [value for name, value in settings.items() if name.rpartition(".")[2] == "base_ckpt"]
            absent = [path for path in paths if path == "None" or not Path(path).exists()]
            if self.subcommand != "certify" or "base_ckpt" not in str(error) or not absent:
                raise
            file = self._config_file()
            trains = file if file is not None and "fit" in read_config(file) else None
            if (command := maker(absent[0], trains)) is None:
                raise
            raise ValueError(f"{explain(error)}. To make it: {command}") from error

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Build the trainer. It writes only to the run directory."""
        config = self.config[self.subcommand]
        check_options(config.trainer, str(self.subcommand))
        self._log_as_given = config.trainer.logger not in (None, True)
        if self.subcommand in ("certify", "attack"):
            # Such a run saves its config when it opens its directory.
            self.save_config_callback = None
        if not self._log_as_given:
            kwargs["logger"] = _fit_loggers(config.run_dir) if self.subcommand == "fit" else False
        with one_line(*BAD_INPUT, TypeError, ImportError):
            trainer = super().instantiate_trainer(default_root_dir=config.run_dir, **kwargs)
            check_processes(trainer)
        for checkpoints in trainer.checkpoint_callbacks:
            if isinstance(checkpoints, ModelCheckpoint) and checkpoints.dirpath is None:
                checkpoints.dirpath = str(Path(config.run_dir, "checkpoints"))
        return trainer

    def fit(self, model: pl.LightningModule, datamodule: DataModule, **options: Any) -> None:
        """Train. Exit with one line if anything is refused before the first batch."""
        with one_line(ValueError):
            check_trainable(model)
            check_checkpoint(self._resumed_from(options.get("ckpt_path")), model)
        config = yaml.safe_load(self.parser.dump(self.config, skip_unset=False))[self.subcommand]
        directory = TrainingDirectory(config["run_dir"])
        with one_line(*BAD_INPUT):
            directory.check(config, options.get("ckpt_path"))
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, SaveConfig):
                callback.directory = directory
        signals.state = partial(_trained, self.trainer)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated")  # between Lightning and torch
                self.trainer.fit(model, datamodule=datamodule, weights_only=True, **options)
        except BAD_INPUT as error:
            if self.trainer.fit_loop.epoch_loop.batch_progress.total.ready:
                raise
            refuse(explain(error))
        finally:
            directory.close()

    def _resumed_from(self, path: str | None) -> str | None:
        """Return the file that a checkpoint path names, also for ``last``."""
        if path != "last":
            return path
        callbacks = [found for found in self.trainer.checkpoint_callbacks if isinstance(found, ModelCheckpoint)]
        found = [file for callback in callbacks for file in callback._find_last_checkpoints(self.trainer)]
        return max(found, key=os.path.getmtime, default=None)

    def attack(self, model: pl.LightningModule, datamodule: DataModule) -> None:
        """Try attacks against defences. Exit with one line if the data are bad or the directory cannot be used."""
        from datamodules.poisoning import PoisoningTrials
        from lightning_modules.defences import DefenceTrials

        config = yaml.safe_load(self.parser.dump(self.config, skip_unset=False))[self.subcommand]
        with one_line(*BAD_INPUT):
            if not isinstance(model, DefenceTrials):
                raise ValueError(f"model: {type(model).__name__}; must be a DefenceTrials to attack")
            if not isinstance(datamodule, PoisoningTrials):
                raise ValueError(f"data: {type(datamodule).__name__}; must be a PoisoningTrials to attack")
            loggers = self.trainer.loggers if self._log_as_given else None
            assert isinstance(self.trainer, Trainer)
            signals.state = partial(_attacked, Path(config["run_dir"]))
            self.trainer.attack(model, datamodule, config["run_dir"], config, loggers)

    def certify(self, model: Certification, datamodule: DataModule, watch_radius: float | None = None) -> None:
        """Certify. Exit with one line if the data are bad or the directory cannot be used."""
        config = yaml.safe_load(self.parser.dump(self.config, skip_unset=False))[self.subcommand]
        with one_line(*BAD_INPUT):
            if not isinstance(model, Certification):
                trains = f". To train: smoothing fit --config {self._config_file()}" if self._config_file() else ""
                raise ValueError(f"model: {type(model).__name__}; must be a Certification to certify{trains}")
            loggers = self.trainer.loggers if self._log_as_given else None
            assert isinstance(self.trainer, Trainer)
            signals.state = partial(_certified, Path(config["run_dir"]), len(model.certifiers))
            self.trainer.certify(model, datamodule, config["run_dir"], config, loggers, watch_radius)


def _certified(run_dir: Path, certifiers: int) -> str:
    """Return the number of finished rows as one line."""
    directory = RunDirectory(run_dir)
    try:
        finished, requested = len(directory.finished()), directory.made_by()["examples"]
    except (OSError, ValueError, KeyError):
        return "stopped before the first row; the same command starts again"
    return f"stopped with {finished * certifiers} of {requested * certifiers} rows; the same command resumes"


def _attacked(run_dir: Path) -> str:
    """Return the number of finished trials as one line."""
    directory = RunDirectory(run_dir)
    try:
        asked = directory.made_by()["examples"]
        finished = sum(path.read_bytes().count(b"\n") for path in directory.trials.glob("*.jsonl"))
    except (OSError, ValueError, KeyError):
        return "stopped before the first trial; the same command starts again"
    return f"stopped with {finished} of {asked} trials; the same command resumes"


def _trained(trainer: pl.Trainer) -> str:
    """Return the epoch and the option that resumes the training as one line."""
    saved = next((path for path in map(_last_saved, trainer.checkpoint_callbacks) if path), None)
    where = f"stopped in epoch {trainer.current_epoch} of {trainer.max_epochs}"
    return f"{where}; the same command with --ckpt_path={saved} resumes" if saved else f"{where}; nothing was saved"


def _last_saved(checkpoints: Checkpoint) -> str:
    if not isinstance(checkpoints, ModelCheckpoint):
        return ""
    return checkpoints.last_model_path or checkpoints._last_checkpoint_saved


def _without_checkpoint(model: Any) -> str:
    """Return why ``base_ckpt`` cannot be set for a model."""
    votes = model.init_args.get("votes")
    if votes is None:
        return f"{model.class_path} certifies no network"
    network = votes.init_args.get("network") if "init_args" in votes else None
    if network is None:
        return f"{votes.class_path} has no network"
    name = network.class_path if "class_path" in network else network
    return f"the network {name} has no parameter base_ckpt"


def _fit_loggers(run_dir: str) -> list[Logger]:
    # Imported here, since wandb takes seconds to import and refused runs do not need it.
    from reporting.curve_logger import run_loggers

    return run_loggers(run_dir, group=Path(run_dir).name, job_type="fit")
