"""Logging of certificates to experiment loggers, under the same keys in every logger."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import wandb
from matplotlib.figure import Figure
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from reporting.chart import chart
from smoothing.certificates.curves import Curve, is_attack, summary
from smoothing.certificates.table import Table

RADIUS_KEY = "certified/radius"
"""Metric on the horizontal axis of certified accuracy."""


@dataclass(frozen=True)
class View:
    """Certificates as they are shown: in their own distance or converted to another one.

    Attributes:
        key: Key of the figure.
        table: Certificates.
        curve: Certified accuracy.
        figure: Figure of the curve.
    """

    key: str
    table: Table
    curve: Curve
    figure: Figure


def accuracy_key(certifier: str, attack: bool = False) -> str:
    """Return the key of the certified accuracy of one certifier, or of the accuracy under an attack."""
    return f"{'attacked' if attack else 'certified'}/accuracy/{certifier}"


def points(curve: Curve) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield one step and its metrics per radius. The step is a whole-numbered radius, otherwise its position."""
    for place, radius in enumerate(curve.radii):
        metrics = {RADIUS_KEY: float(radius)}
        for certifier, accuracy in curve.accuracy.items():
            metrics[accuracy_key(certifier, certifier in curve.attacks)] = float(accuracy[place])
        yield int(radius) if curve.distance.integer else place, metrics


def numbers(table: Table) -> dict[str, float]:
    """Return the summary of a table under keys such as ``median_radius/exact``. Attacks are never called certified."""
    attacks = {certifier for certifier in table.certifiers if is_attack(table.of(certifier))}
    return {
        f"{number.replace('certified', 'attacked') if certifier in attacks else number}/{certifier}": value
        for certifier, values in summary(table).items()
        for number, value in values.items()
    }


def run_loggers(
    run_dir: str | Path, project: str = "smoothing", group: str | None = None, job_type: str = "certify"
) -> list[Logger]:
    """Return the loggers of a run: CSV, TensorBoard and wandb. wandb is offline unless WANDB_MODE is set.

    Args:
        run_dir: Run directory. Loggers write to it when something is logged.
        project: Project in wandb.
        group: Group in wandb: name of the run that trained the certified network.
        job_type: Job type in wandb, ``"certify"`` or ``"fit"``.
    """
    wandb_logger = WandbLogger(
        save_dir=run_dir,
        project=project,
        name=Path(run_dir).name,
        group=group,
        job_type=job_type,
        mode=os.environ.get("WANDB_MODE", "offline"),
        settings=wandb.Settings(silent=True),
    )
    # Lightning passes a setting on that wandb warns of.
    wandb_logger._wandb_init.pop("anonymous", None)
    return [
        CSVLogger(run_dir, name="csv", version=""),
        TensorBoardLogger(run_dir, name="tensorboard", version=""),
        wandb_logger,
    ]


def log_certificates(loggers: Sequence[Logger], views: Sequence[View], config: Mapping[str, Any]) -> None:
    """Log a finished run to every logger and close the loggers. Call this on one rank, after the last row.

    Args:
        loggers: Lightning loggers.
        views: The certificates under `CHART_KEY`, followed by conversions of them.
        config: Resolved config.
    """
    for logger in loggers:
        log_run(logger, views, config)
        logger.finalize("success")


@singledispatch
def log_run(logger: Logger, views: Sequence[View], config: Mapping[str, Any]) -> None:
    """Log a finished run to one logger: config, summary statistics, one step per radius.

    This works with every Lightning logger. Loggers with more features are registered with ``log_run.register``.
    """
    logger.log_hyperparams(dict(config))
    logger.log_metrics(_all_numbers(views), step=0)
    _log_points(logger, views[0].curve)


@log_run.register
def _(logger: TensorBoardLogger, views: Sequence[View], config: Mapping[str, Any]) -> None:
    logger.log_hyperparams(dict(config), metrics=_all_numbers(views), step=0)
    _log_points(logger, views[0].curve)
    for view in views:
        logger.experiment.add_figure(view.key, view.figure)


@log_run.register
def _(logger: WandbLogger, views: Sequence[View], config: Mapping[str, Any]) -> None:
    logger.log_hyperparams(dict(config))
    run, curve = logger.experiment, views[0].curve
    run.define_metric(RADIUS_KEY, hidden=True, summary="none")
    # Full names, since Lightning defines "*" and wandb may use any pattern that matches a key.
    for certifier in curve.accuracy:
        key = accuracy_key(certifier, certifier in curve.attacks)
        run.define_metric(key, step_metric=RADIUS_KEY, step_sync=False, summary="none")
    # `log_metrics` would add the trainer's step to every point.
    for _, metrics in points(curve):
        run.log(metrics)
    run.log({view.key: chart({run.name: view.curve}) for view in views})
    run.summary.update(_all_numbers(views))
    with TemporaryDirectory() as folder:
        path = Path(folder, "certificates.csv")
        views[0].table.write_csv(path)
        artifact = wandb.Artifact(f"certificates-{run.id}", type="certificates")
        artifact.add_file(str(path))
    run.log_artifact(artifact)
    run.finish()


def _log_points(logger: Logger, curve: Curve) -> None:
    for step, metrics in points(curve):
        logger.log_metrics(metrics, step=step)


def _all_numbers(views: Sequence[View]) -> dict[str, float]:
    return {key: value for view in views for key, value in numbers(view.table).items()}
