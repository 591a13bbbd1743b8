"""Report of a finished run: table, curve, figure, logs and a printed summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.figure import Figure
from pytorch_lightning.loggers import Logger

from reporting.certified_sets import draw_sets, set_table
from reporting.collective import collective_table
from reporting.comparison import Comparison, Run, comparison, show
from reporting.figure import draw
from reporting.shown import Inputs, read_shown, show_inputs, write_shown
from reporting.titles import run_title
from smoothing.certificates.cells import write_records
from smoothing.certificates.curves import Curve
from smoothing.certificates.per_input import changed_inputs, divisible, per_input, per_input_curve
from smoothing.certificates.set_curves import has_sets
from smoothing.certificates.table import Table
from smoothing.distance import Distance
from smoothing.runs.run_directory import RunDirectory

PER_INPUT_RADII = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Changes of single inputs at which certified accuracy is reported."""


def report(
    directory: RunDirectory,
    distance: Distance,
    loggers: Sequence[Logger] | None,
    config: Mapping[str, Any],
    inputs: int = 1,
    tests: Inputs | None = None,
) -> None:
    """Merge the shards of a finished run, then write, print and log the results. Call this on one rank.

    Besides tables and figures, the run directory gets an HTML report; see `write_page`.

    A table that is already logged is not logged again.

    Args:
        directory: The run directory.
        distance: Distance of the radii.
        loggers: Loggers. The default is CSV, TensorBoard and wandb in the run directory.
        config: Resolved config.
        inputs: Number of inputs in the randomised object.
        tests: Test examples by position, of which some are shown. None if they are not available.
    """
    table = directory.merged()
    run = Run(table, distance, collective=directory.read_collective())
    name = directory.path.resolve().name
    title = run_title(config, table)
    curve = run.curve()
    curve.write_csv(directory.curve)
    figure = draw({name: curve}, directory.figure, title=title)
    made = comparison({name: run})
    show(made)
    together = collective_table({name: run.collective})
    if together is not None:
        together.show()
    if tests is not None:
        write_shown(directory.examples, show_inputs(tests, table.of(table.certifiers[0])["index"].tolist()))
    others = _per_input(directory, run, inputs, title) if inputs > 1 and divisible(distance) else None
    # Imported here, since the import of plotly takes seconds and would delay the first row.
    from reporting.html.page import CurvePanel, write_page

    panels = [CurvePanel(made.title, {name: curve})]
    tables = [replace(made.text(), title="Runs")]
    if together is not None:
        tables.append(together)
    if others is not None:
        panels.append(CurvePanel(others.made.title, {name: others.curve}, logarithmic=True))
        tables.append(replace(others.made.text(), title="Runs, by change of a single input"))
    if has_sets(table):
        draw_sets(run, directory.sets_figure, title).write_csv(directory.sets)
        tables.append(set_table(run))
        tables[-1].show()
    page = f"{name}: {title}"
    write_page(directory.report, page, {name: run}, {name: directory.path}, panels, tables)
    draft = directory.table.with_suffix(".part")
    table.write_csv(draft)
    if not directory.table.exists() or directory.table.read_bytes() != draft.read_bytes():
        # Imported here, since the import of wandb takes seconds and would delay the first row.
        from reporting.curve_logger import View, default_loggers, log_certificates, with_facts

        chosen = default_loggers(directory, config) if loggers is None else loggers
        views = [View(table, curve, figure, run.collective)]
        if others is not None:
            views.append(View(others.table, others.curve, others.figure))
        facts = with_facts(config, distance, directory.made_by())
        log_certificates(chosen, views, facts, read_shown(directory.examples), directory.report)
    # Last, so that an interrupted report is repeated.
    draft.replace(directory.table)
    written = {
        "run": directory.path,
        "table": directory.table,
        "figure": directory.figure,
        "report": directory.report,
    }
    for kind, path in written.items():
        print(f"{kind + ':':7} {path}")


@dataclass(frozen=True)
class _PerInput:
    """Certificates for changes of single inputs."""

    table: Table
    curve: Curve
    figure: Figure
    made: Comparison


def _per_input(directory: RunDirectory, run: Run, inputs: int, title: str) -> _PerInput:
    """Write and print certificates for changes of single inputs."""
    name = directory.path.resolve().name
    changed = Run(*per_input(run.table, run.distance, changed_inputs(inputs)))
    curve = per_input_curve(changed.table, changed.distance)
    curve.write_csv(directory.per_input_curve)
    figure = draw({name: curve}, directory.per_input_figure, logarithmic=True, title=title)
    made = comparison({name: changed}, PER_INPUT_RADII)
    write_records(directory.per_input, ",", made.kinds, made.rows)
    show(made)
    return _PerInput(changed.table, curve, figure, made)
