"""The views of a finished run: table, curve, figure, logs, and a summary on the screen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from callbacks.comparison import Run, comparison, show
from callbacks.figure import draw
from callbacks.run_directory import CONFIG, RunDirectory
from callbacks.settings import computed_settings
from smoothing.distance import Distance


def report(
    directory: RunDirectory, distance: Distance, loggers: Sequence[Logger] | None, config: Mapping[str, Any]
) -> None:
    """Merge the shards of a finished run and show it everywhere. Call it on one rank.

    A table that has been logged is not logged again.

    Args:
        directory: The directory of the run.
        distance: Distance in which its radii are given.
        loggers: Where to log; CSV, TensorBoard and wandb in the run directory unless given.
        config: The resolved config.
    """
    table = directory.merged()
    run = Run(table, distance)
    curve = run.curve()
    curve.write_csv(directory.curve)
    figure = draw({directory.path.name: curve}, directory.figure)
    show(comparison({directory.path.name: run}))
    draft = directory.table.with_suffix(".part")
    table.write_csv(draft)
    if not directory.table.exists() or directory.table.read_bytes() != draft.read_bytes():
        # Here, since wandb takes seconds to import and most of them are spent before the first row otherwise.
        from callbacks.curve_logger import log_certificates, run_loggers

        chosen = run_loggers(directory.path, group=_training_run(config)) if loggers is None else loggers
        log_certificates(chosen, table, curve, figure, config)
    draft.replace(directory.table)


def _training_run(config: Mapping[str, Any]) -> str | None:
    """Name of the run that trained the network, where its checkpoint still stands in that run's directory."""
    settings = computed_settings(config).items()
    checkpoints = [Path(value).resolve() for name, value in settings if name.endswith(".base_ckpt")]
    folders = [folder for checkpoint in checkpoints for folder in checkpoint.parents]
    return next((folder.name for folder in folders if (folder / CONFIG).is_file()), None)
