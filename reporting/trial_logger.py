"""Logging of trials of attacks against defences."""

from collections.abc import Mapping, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from reporting.chart import artifact_name
from reporting.curve_logger import run_loggers
from reporting.light_wandb import wandb
from reporting.text_table import TextTable
from reporting.trials import metrics, summaries, trial_table
from smoothing.runs.run_directory import PICTURE, RunDirectory
from smoothing.runs.trials import Trial

JOB_TYPE = "attack"


def log_trials(
    directory: RunDirectory, trials: Sequence[Trial], config: Mapping[str, Any], loggers: Sequence[Logger] | None
) -> None:
    """Log success and accuracy by attack and defence, and pictures of the poisons.

    Trials and report become an artifact of wandb.

    Args:
        directory: The run directory.
        trials: All trials.
        config: The resolved config.
        loggers: The loggers; by default CSV, TensorBoard and wandb in the run directory.
    """
    found = summaries(directory.path.resolve().name, trials)
    images = {path.parent.name: str(path) for path in sorted(directory.poisons.glob(f"*/{PICTURE}"))}
    files = [directory.trial_table, directory.report]
    opened = run_loggers(directory.path, job_type=JOB_TYPE) if loggers is None else loggers
    for logger in opened:
        logger.log_hyperparams(dict(config))
        logger.log_metrics(dict(metrics(found)))
        show(logger, trial_table(found), images, files)
        logger.save()
        logger.finalize("success")


@singledispatch
def show(logger: Logger, table: TextTable, images: Mapping[str, str], files: Sequence[Path]) -> None:
    """Log table, images and files. Loggers that support none of them are skipped."""


@show.register
def _(logger: TensorBoardLogger, table: TextTable, images: Mapping[str, str], files: Sequence[Path]) -> None:
    from PIL import Image
    from torchvision.transforms.functional import pil_to_tensor

    for name, path in images.items():
        logger.experiment.add_image(f"poisons/{name}", pil_to_tensor(Image.open(path)))


@show.register
def _(logger: WandbLogger, table: TextTable, images: Mapping[str, str], files: Sequence[Path]) -> None:
    run: Any = logger.experiment
    run.log({"trials": wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])})
    if images:
        run.log({"poisons": [wandb.Image(path, caption=name) for name, path in images.items()]})
    made = wandb.Artifact(artifact_name("trials", run.name or run.id), type="trials")
    for file in files:
        made.add_file(str(file))
    run.log_artifact(made)
    run.finish()
