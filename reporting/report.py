"""Report of a finished run: table, curve, figure, logs and a printed summary."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from pytorch_lightning.loggers import Logger

from reporting.comparison import Run, comparison, show
from reporting.figure import draw
from smoothing.certificates.cells import write_records
from smoothing.certificates.curves import Curve
from smoothing.certificates.per_input import changed_inputs, divisible, per_input, per_input_curve
from smoothing.certificates.table import Table
from smoothing.distance import Distance
from smoothing.runs.run_directory import CONFIG, RunDirectory
from smoothing.runs.settings import computed_settings

PER_INPUT_KEY = "certified_accuracy_per_input"
"""Key of the figure of certified accuracy by the change of single inputs."""

PER_INPUT_RADII = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Changes of single inputs at which certified accuracy is reported."""


def report(
    directory: RunDirectory,
    distance: Distance,
    loggers: Sequence[Logger] | None,
    config: Mapping[str, Any],
    inputs: int = 1,
) -> None:
    """Merge the shards of a finished run, then write, print and log the results. Call this on one rank.

    A table that is already logged is not logged again.

    Args:
        directory: The run directory.
        distance: Distance of the radii.
        loggers: Loggers. The default is CSV, TensorBoard and wandb in the run directory.
        config: Resolved config.
        inputs: Number of inputs in the randomised object.
    """
    table = directory.merged()
    run = Run(table, distance)
    curve = run.curve()
    curve.write_csv(directory.curve)
    figure = draw({directory.path.name: curve}, directory.figure)
    show(comparison({directory.path.name: run}))
    others = _per_input(directory, run, inputs) if inputs > 1 and divisible(distance) else None
    draft = directory.table.with_suffix(".part")
    table.write_csv(draft)
    if not directory.table.exists() or directory.table.read_bytes() != draft.read_bytes():
        # Imported here, since the import of wandb takes seconds and would delay the first row.
        from reporting.chart import CHART_KEY
        from reporting.curve_logger import View, log_certificates, run_loggers

        chosen = run_loggers(directory.path, group=_training_run(config)) if loggers is None else loggers
        views = [View(CHART_KEY, table, curve, figure)]
        if others is not None:
            views.append(View(PER_INPUT_KEY, *others))
        log_certificates(chosen, views, config)
    draft.replace(directory.table)


def _per_input(directory: RunDirectory, run: Run, inputs: int) -> tuple[Table, Curve, Figure]:
    """Write and print certificates for changes of single inputs."""
    changed = Run(*per_input(run.table, run.distance, changed_inputs(inputs)))
    curve = per_input_curve(changed.table, changed.distance)
    curve.write_csv(directory.per_input_curve)
    figure = draw({directory.path.name: curve}, directory.per_input_figure, logarithmic=True)
    made = comparison({directory.path.name: changed}, PER_INPUT_RADII)
    write_records(directory.per_input, ",", made.kinds, made.rows)
    show(made)
    return changed.table, curve, figure


def _training_run(config: Mapping[str, Any]) -> str | None:
    """Return the name of the run that trained the network, if the checkpoint is in the directory of that run."""
    settings = computed_settings(config).items()
    paths = (Path(value) for name, value in settings if name.rpartition(".")[2] == "base_ckpt")
    checkpoints = [path.resolve() for path in paths if path.is_file()]
    folders = [folder for checkpoint in checkpoints for folder in checkpoint.parents]
    return next((folder.name for folder in folders if (folder / CONFIG).is_file()), None)
