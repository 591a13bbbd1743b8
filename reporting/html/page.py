"""The HTML report of one or more finished runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reporting.comparison import Comparable, tabled
from reporting.html.charts import Chart, curve_chart, share_chart
from reporting.html.layout import write_report
from reporting.html.rows import browser
from reporting.html.words import assumptions, meaning
from reporting.shown import read_shown
from reporting.text_table import TextTable
from smoothing.certificates.curves import Curve
from smoothing.distance import Distance
from smoothing.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class CurvePanel:
    """Curves of one distance.

    Attributes:
        title: Title of the panel.
        curves: Curves by name of the run.
        envelope: Whether to draw the upper envelope.
        logarithmic: Whether the radius axis is logarithmic.
    """

    title: str
    curves: Mapping[str, Curve]
    envelope: bool = False
    logarithmic: bool = False


def write_page(
    path: str | Path,
    title: str,
    runs: Mapping[str, Comparable],
    paths: Mapping[str, Path],
    panels: Sequence[CurvePanel],
    tables: Sequence[TextTable],
) -> None:
    """Write the HTML page of certificates; see `write_report`.

    Args:
        path: File to write.
        title: Title of the page.
        runs: Finished runs, logs and published curves by name, at least one, all in the same distance.
        paths: Run directory or file of each run, by name.
        panels: Curves to draw.
        tables: Tables to show.

    Raises:
        ValueError: If a file of a run directory is damaged.
        OSError: If the page cannot be written.
    """
    examples = {name: read_shown(RunDirectory(place).examples) for name, place in paths.items() if place.is_dir()}
    charts: dict[str, Chart] = {
        f"curve-{place}": curve_chart(panel.curves, panel.envelope, panel.logarithmic)
        for place, panel in enumerate(panels)
    }
    if (shares := share_chart(runs)) is not None:
        charts["shares"] = shares
    write_report(
        path,
        "page.html.j2",
        title,
        paths,
        meaning=_meanings([run.distance for run in runs.values()]),
        panels=panels,
        charts=charts,
        tables=tables,
        browser=browser(runs, examples),
        assumed={name: assumptions(run.table) for name, run in tabled(runs).items()},
    )


def _meanings(distances: Sequence[Distance]) -> list[str]:
    return list(dict.fromkeys(map(meaning, distances)))
