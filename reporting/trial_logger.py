"""Logging of trials of attacks against defences."""

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from reporting.curve_logger import run_loggers
from reporting.light_wandb import wandb
from reporting.trials import metrics, summaries, trial_table
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import Trial

JOB_TYPE = "attack"


def log_trials(
    directory: RunDirectory, trials: Sequence[Trial], config: Mapping[str, Any], loggers: Sequence[Logger] | None
) -> None:
    """Log success and accuracy by attack and defence, all trials and images of the poisons.

    Args:
        directory: The run directory.
        trials: All trials.
        config: The resolved config.
        loggers: The loggers; by default CSV, TensorBoard and wandb in the run directory.
    """
    found = summaries(directory.path.name, trials)
    images = {path.parent.name: str(path) for path in sorted(directory.poisons.glob("*/*.png"))}
    opened = run_loggers(directory.path, job_type=JOB_TYPE) if loggers is None else loggers
    for logger in opened:
        logger.log_hyperparams(dict(config))
        logger.log_metrics(dict(metrics(found)))
        show(logger, trial_table(found).columns, trial_table(found).rows, images)
        logger.save()
        logger.finalize("success")


@singledispatch
def show(logger: Logger, columns: Any, rows: Any, images: Mapping[str, str]) -> None:
    """Log the table and the images. Loggers that support neither are skipped."""


@show.register
def _(logger: TensorBoardLogger, columns: Any, rows: Any, images: Mapping[str, str]) -> None:
    from PIL import Image
    from torchvision.transforms.functional import pil_to_tensor

    for name, path in images.items():
        logger.experiment.add_image(f"poisons/{name}", pil_to_tensor(Image.open(path)))


@show.register
def _(logger: WandbLogger, columns: Any, rows: Any, images: Mapping[str, str]) -> None:
    run: Any = logger.experiment
    run.log({"trials": wandb.Table(columns=list(columns), data=[list(row) for row in rows])})
    if images:
        run.log({"poisons": [wandb.Image(path, caption=name) for name, path in images.items()]})
    run.finish()
