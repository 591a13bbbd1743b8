"""The views of a finished run: table, curve, figure, logs, and a summary on the screen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pytorch_lightning.loggers import Logger
from rich.console import Console
from rich.table import Table as Screen

from callbacks.figure import draw
from callbacks.run_directory import RunDirectory
from smoothing.certificates import Table, certified_curve
from smoothing.distance import Distance

RADII_ON_SCREEN = 12


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
    curve = certified_curve(table, distance)
    curve.write_csv(directory.curve)
    figure = draw({directory.path.name: curve}, directory.figure)
    Console().print(screen(table, distance))
    draft = directory.table.with_suffix(".part")
    table.write_csv(draft)
    if not directory.table.exists() or directory.table.read_bytes() != draft.read_bytes():
        # Here, since wandb takes seconds to import and most of them are spent before the first row otherwise.
        from callbacks.curve_logger import log_certificates, run_loggers

        chosen = run_loggers(directory.path) if loggers is None else loggers
        log_certificates(chosen, table, curve, figure, config)
    draft.replace(directory.table)


def screen(table: Table, distance: Distance) -> Screen:
    """Certified accuracy at a dozen radii, one column per certifier."""
    top = certified_curve(table, distance).radii[-1]
    radii = np.linspace(0, top, RADII_ON_SCREEN)
    curve = certified_curve(table, distance, np.unique(radii.round() if distance.integer else radii).tolist())
    made = Screen(title=f"Certified accuracy by {distance.norm} radius ({distance.unit})")
    for name in (distance.unit, *curve.accuracy):
        made.add_column(name, justify="right")
    for place, radius in enumerate(curve.radii):
        made.add_row(f"{radius:.4g}", *(f"{accuracy[place]:.1%}" for accuracy in curve.accuracy.values()))
    return made
