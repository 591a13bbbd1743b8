"""Logging of certificates to experiment loggers, under the same keys in every logger."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import singledispatch
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matplotlib.figure import Figure
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from reporting.chart import artifact_name, chart, chart_key, section
from reporting.light_wandb import wandb
from reporting.shown import MAX_SHOWN, Shown, by_position
from smoothing.certificates.cells import NUMBER
from smoothing.certificates.curves import MAX_RADII, Curve, certified_curve, is_attack, summary
from smoothing.certificates.table import Table
from smoothing.collective.table import NONE, CollectiveTable
from smoothing.distance import Distance
from smoothing.runs.run_directory import CONFIG, RunDirectory
from smoothing.runs.settings import computed_settings

STEPS = 1_000_000
"""Steps per unit of a real radius. Loggers without a radius axis overlay curves by whole-numbered steps."""

RUN_FOLDER = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-(.+)")
"""Name of the folder of a run of wandb: time and id."""

FIXED_WHOLE = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Whole-numbered radii at which certified accuracy is part of the summary."""

FIXED_REAL = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Real radii at which certified accuracy is part of the summary."""


@dataclass(frozen=True)
class View:
    """Certificates as they are shown: in their own distance or converted to another one.

    Attributes:
        table: Certificates.
        curve: Certified accuracy.
        figure: Figure of the curve.
        collective: Collective certificates; empty if there are none.
    """

    table: Table
    curve: Curve
    figure: Figure
    collective: CollectiveTable = NONE

    @property
    def key(self) -> str:
        """Key of the figure."""
        return chart_key(self.curve.distance)


def radius_key(distance: Distance) -> str:
    """Return the key of the metric on the horizontal axis of certified accuracy."""
    return f"{section(distance)}/radius"


def accuracy_key(certifier: str, distance: Distance, attack: bool = False) -> str:
    """Return the key of the certified accuracy of one certifier, or of the accuracy under an attack."""
    return f"{_named(section(distance), attack)}/accuracy/{certifier}"


def accuracy_at_key(distance: Distance, radius: float, certifier: str, attack: bool = False) -> str:
    """Return the key of the certified accuracy of one certifier at one radius, in the summary."""
    return f"{_named(section(distance), attack)}_at_{NUMBER.write(radius)}/{certifier}"


def common_grid(curve: Curve) -> list[float]:
    """Return the radii at which a curve is logged: whole multiples of 1, 2 or 5 times a power of ten.

    All runs share the multiples, so that their curves can be overlaid. The spacing is the smallest that gives at most
    `MAX_RADII` radii up to the end of the curve.
    """
    top = float(curve.radii[-1])
    smallest = 0 if curve.distance.integer else -6
    spacings = (mantissa * Fraction(10) ** power for power in range(smallest, 40) for mantissa in (1, 2, 5))
    spacing = next(step for step in spacings if top / step <= MAX_RADII - 2)
    return [float(step * spacing) for step in range(ceil(top / spacing) + 1)]


def points(curve: Curve) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield one step and its metrics per radius.

    The step is a whole-numbered radius, or a real radius in millionths: equal steps are equal radii in all runs.

    Args:
        curve: Curve on the radii of `common_grid`.
    """
    for place, radius in enumerate(curve.radii):
        metrics = {radius_key(curve.distance): float(radius)}
        for certifier, accuracy in curve.accuracy.items():
            key = accuracy_key(certifier, curve.distance, certifier in curve.attacks)
            metrics[key] = float(accuracy[place])
        yield round(float(radius) * (1 if curve.distance.integer else STEPS)), metrics


def fixed_accuracies(table: Table, distance: Distance) -> dict[str, float]:
    """Return certified accuracy at a few radii that are the same in all runs, by key."""
    curve = certified_curve(table, distance, FIXED_WHOLE if distance.integer else FIXED_REAL)
    return {
        accuracy_at_key(distance, float(radius), certifier, certifier in curve.attacks): float(value)
        for certifier, accuracy in curve.accuracy.items()
        for radius, value in zip(curve.radii, accuracy, strict=True)
    }


def with_facts(config: Mapping[str, Any], distance: Distance, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the distance of the radii and the fingerprint of the data."""
    return {**config, "distance": asdict(distance), "data_fingerprint": provenance.get("data", "")}


def number_key(number: str, distance: Distance, certifier: str, attack: bool = False) -> str:
    """Return the key of a summary statistic, such as ``accuracy/exact``. Keys of radii name their distance.

    Args:
        number: Name of the statistic; see `smoothing.certificates.curves.summary`.
        distance: Distance of the radii.
        certifier: Name of the certifier.
        attack: Whether it is an attack. Attacks are never called certified.
    """
    if not number.endswith("radius"):
        return f"{number}/{certifier}"
    return f"{_named(section(distance), attack)}_{number.replace('certified_', '')}/{certifier}"


def numbers(table: Table, distance: Distance) -> dict[str, float]:
    """Return the summary of a table by key; see `number_key`."""
    attacks = {certifier for certifier in table.certifiers if is_attack(table.of(certifier))}
    return {
        number_key(number, distance, certifier, certifier in attacks): value
        for certifier, values in summary(table).items()
        for number, value in values.items()
    }


def collective_numbers(table: CollectiveTable) -> dict[str, float]:
    """Return bounds and certified fractions under keys such as ``collective_bound_at_100/together``."""
    return {
        f"collective_{name}_at_{row.budget}/{row.certifier}": float(value)
        for row in table.rows
        for name, value in (
            (("changed", row.bound), ("attacked", row.certified))
            if row.certifier in table.attacks
            else (("bound", row.bound), ("certified", row.certified))
        )
    }


def _named(key: str, attack: bool) -> str:
    return key.replace("certified", "attacked", 1) if attack else key


def run_loggers(
    run_dir: str | Path, project: str = "smoothing", group: str | None = None, job_type: str = "certify"
) -> list[Logger]:
    """Return the loggers of a run: CSV, TensorBoard and wandb.

    wandb is offline unless WANDB_MODE is set or the run is a trial of a sweep.

    The environment variables WANDB_PROJECT, WANDB_NAME, WANDB_RUN_GROUP and WANDB_JOB_TYPE replace the arguments. wandb
    itself reads WANDB_ENTITY, WANDB_TAGS and WANDB_NOTES.

    A resumed run continues its run in wandb: the name of the folder of the latest one in the directory has its id.

    Args:
        run_dir: Run directory. Loggers write to it when something is logged.
        project: Project in wandb.
        group: Group in wandb: name of the run that trained the certified network.
        job_type: Job type in wandb, ``"certify"`` or ``"fit"``.
    """
    environment = os.environ
    # The agent of a sweep waits for results on the server.
    mode = environment.get("WANDB_MODE", "online" if "WANDB_SWEEP_ID" in environment else "offline")
    if mode == "offline":
        # Otherwise wandb imports OpenTelemetry, and reports errors of offline runs too.
        environment.setdefault("WANDB_ERROR_REPORTING", "false")
    wandb_logger = WandbLogger(
        save_dir=run_dir,
        project=environment.get("WANDB_PROJECT", project),
        name=environment.get("WANDB_NAME", Path(run_dir).resolve().name),
        group=environment.get("WANDB_RUN_GROUP", group),
        job_type=environment.get("WANDB_JOB_TYPE", job_type),
        mode=mode,
        id=environment.get("WANDB_RUN_ID", latest_run_id(run_dir)),
        # The provenance has the versions of the imported packages; wandb would list all that are installed.
        settings=wandb.Settings(silent=True, x_save_requirements=False),
    )
    # Lightning passes a setting on that wandb warns of.
    wandb_logger._wandb_init.pop("anonymous", None)
    return [
        CSVLogger(run_dir, name="csv", version=""),
        TensorBoardLogger(run_dir, name="tensorboard", version=""),
        wandb_logger,
    ]


def latest_run_id(run_dir: str | Path) -> str | None:
    """Return the id of the latest run of wandb in a run directory, online or offline; None if there is none."""
    found = (RUN_FOLDER.fullmatch(path.name) for path in Path(run_dir, "wandb").glob("*run-*"))
    _, run_id = max((match.groups() for match in found if match), default=("", None))
    return run_id


def default_loggers(directory: RunDirectory, config: Mapping[str, Any]) -> list[Logger]:
    """Return the loggers of a certify run, grouped under the run that trained its network; see `run_loggers`."""
    checkpoint = base_checkpoint(config)
    return run_loggers(directory.path, group=training_run(checkpoint) if checkpoint else None)


def open_runs(loggers: Sequence[Logger], config: Mapping[str, Any]) -> list[Any]:
    """Open the runs of wandb among some loggers, log the config, and return them. Other loggers stay closed."""
    ours = [logger for logger in loggers if isinstance(logger, WandbLogger)]
    for logger in ours:
        logger.log_hyperparams(dict(config))
    return [logger.experiment for logger in ours]


def close_runs(runs: Sequence[Any]) -> None:
    """Close runs of wandb that are still open, as failed."""
    for run in runs:
        if wandb.run is not None and wandb.run.id == run.id:
            run.finish(exit_code=1)


def log_certificates(
    loggers: Sequence[Logger],
    views: Sequence[View],
    config: Mapping[str, Any],
    examples: Mapping[int, Shown] | None = None,
    report: Path | None = None,
) -> None:
    """Log a finished run to every logger and close the loggers. Call this on one rank, after the last row.

    Args:
        loggers: Lightning loggers.
        views: The certificates, followed by conversions of them to other distances.
        config: Resolved config; see `with_facts`.
        examples: Images and texts of test examples, by position.
        report: HTML page to keep with the certificates.
    """
    for logger in loggers:
        log_run(logger, Finished(views, config, examples or {}, report))
        logger.finalize("success")


@dataclass(frozen=True)
class Finished:
    """A finished run as it is logged.

    Attributes:
        views: The certificates, followed by conversions of them to other distances.
        config: Resolved config.
        examples: Images and texts of test examples, by position.
        report: HTML page to keep with the certificates; None without one.
    """

    views: Sequence[View]
    config: Mapping[str, Any]
    examples: Mapping[int, Shown]
    report: Path | None

    @property
    def numbers(self) -> dict[str, float]:
        """Summary statistics of all views."""
        found: dict[str, float] = {}
        for view in self.views:
            found |= numbers(view.table, view.curve.distance) | collective_numbers(view.collective)
        return found

    def points(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Yield one step and its metrics per radius of the common grid; see `points`."""
        view = self.views[0]
        yield from points(certified_curve(view.table, view.curve.distance, common_grid(view.curve)))


@singledispatch
def log_run(logger: Logger, finished: Finished) -> None:
    """Log a finished run to one logger: config, summary statistics, one step per radius.

    This works with every Lightning logger. Loggers with more features are registered with ``log_run.register``.
    """
    logger.log_hyperparams(dict(finished.config))
    logger.log_metrics(finished.numbers, step=0)
    _log_points(logger, finished)


@log_run.register
def _(logger: TensorBoardLogger, finished: Finished) -> None:
    logger.log_hyperparams(dict(finished.config), metrics=finished.numbers, step=0)
    _log_points(logger, finished)
    for view in finished.views:
        logger.experiment.add_figure(view.key, view.figure)


@log_run.register
def _(logger: WandbLogger, finished: Finished) -> None:
    logger.log_hyperparams(dict(finished.config))
    run, view = logger.experiment, finished.views[0]
    curve, distance = view.curve, view.curve.distance
    run.define_metric(radius_key(distance), hidden=True, summary="none")
    # Full names, since Lightning defines "*" and wandb may use any pattern that matches a key.
    for certifier in view.table.certifiers:
        key = accuracy_key(certifier, distance, certifier in curve.attacks)
        run.define_metric(key, step_metric=radius_key(distance), step_sync=False, summary="none")
    # `log_metrics` would add the trainer's step to every point.
    for _, metrics in finished.points():
        run.log(metrics)
    run.log({each.key: chart({run.name: each.curve}) for each in finished.views})
    run.log({"examples": example_table(view.table, finished.examples)})
    run.summary.update(finished.numbers | fixed_accuracies(view.table, distance))
    if (checkpoint := base_checkpoint(finished.config)) is not None and not run.disabled:
        used = wandb.Artifact(artifact_name("checkpoint", training_run(checkpoint) or checkpoint.stem), type="model")
        used.add_reference(checkpoint.resolve().as_uri(), name=checkpoint.name)
        # `use_artifact` refuses offline runs. A run that is synchronised later then records the use.
        run._log_artifact(used, use_after_commit=True)
    facts = {name: finished.config[name] for name in ("distance", "data_fingerprint") if name in finished.config}
    made = wandb.Artifact(
        artifact_name("certificates", run.name or run.id),
        type="certificates",
        description="One row per test example and certifier.",
        metadata={**facts, "certifiers": list(view.table.certifiers), **finished.numbers},
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "certificates.csv")
        view.table.write_csv(path)
        made.add_file(str(path))
        if view.collective.rows:
            together = Path(folder, "collective.csv")
            view.collective.write_csv(together)
            made.add_file(str(together))
    if finished.report is not None:
        made.add_file(str(finished.report))
    run.log_artifact(made)
    run.finish()


def example_table(table: Table, examples: Mapping[int, Shown]) -> wandb.Table:
    """Return a table of at most `MAX_SHOWN` rows, of examples chosen by position, for wandb.

    Args:
        table: Certificates.
        examples: Images and texts of test examples, by position.
    """
    cells = ("index", "certifier", "label", "prediction", "correct", "radius", "n_a", "n_b", "n", "assumptions")
    positions = table.of(table.certifiers[0])["index"].tolist()
    kept = set(by_position(positions, max(1, MAX_SHOWN // len(table.certifiers))))
    rows = [row for row in table if row.index in kept][:MAX_SHOWN]
    shown = [examples.get(row.index, Shown()) for row in rows]
    columns: dict[str, list[Any]] = {}
    if any(one.image for one in shown):
        columns["image"] = [wandb.Image(picture) if (picture := one.picture()) else None for one in shown]
    if any(one.text for one in shown):
        columns["text"] = [one.text for one in shown]
    columns |= {name: [getattr(row, name) for row in rows] for name in cells}
    return wandb.Table(columns=list(columns), data=[list(row) for row in zip(*columns.values(), strict=True)])


def base_checkpoint(config: Mapping[str, Any]) -> Path | None:
    """Return the checkpoint file of the certified network, if the config names an existing one."""
    settings = computed_settings(config).items()
    paths = (Path(value) for name, value in settings if name.rpartition(".")[2] == "base_ckpt")
    return next((path for path in paths if path.is_file()), None)


def training_run(checkpoint: Path) -> str | None:
    """Return the name of the run that trained a network, if the checkpoint is in the directory of that run."""
    return next((folder.name for folder in checkpoint.resolve().parents if (folder / CONFIG).is_file()), None)


def _log_points(logger: Logger, finished: Finished) -> None:
    for step, metrics in finished.points():
        logger.log_metrics(metrics, step=step)
