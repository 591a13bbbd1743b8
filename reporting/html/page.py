"""The HTML report of one or more finished runs."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reporting.comparison import Comparable, tabled
from reporting.html.charts import Chart, curve_chart, share_chart
from reporting.html.rows import browser
from reporting.html.words import assumptions, meaning
from reporting.shown import read_shown
from reporting.text_table import TextTable
from smoothing.certificates.curves import Curve
from smoothing.distance import Distance
from smoothing.files import write_whole
from smoothing.lazy import package_file
from smoothing.runs.run_directory import CONFIG, PROVENANCE, RunDirectory

RECORDED = ("code", "seed", "data", "examples_hash", "checkpoint", "encoder", "identity", "fitted", "sources")
"""Entries of the provenance that are shown first, in this order. Versions and hardware follow."""


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


@dataclass(frozen=True)
class Source:
    """Origin of a run as the page shows it.

    Attributes:
        path: Run directory or file.
        config: Text of the config; empty without one.
        provenance: Provenance; empty without one.
        command: Command that repeats the run; empty if it is unknown.
    """

    path: str
    config: str
    provenance: dict[str, Any]
    command: str

    @property
    def recorded(self) -> dict[str, str]:
        """Entries of the provenance as text."""
        known = {name: self.provenance[name] for name in (*RECORDED, "versions", "hardware") if name in self.provenance}
        return {name: _text(value) for name, value in known.items() if value not in (None, {}, [], "")}


def write_page(
    path: str | Path,
    title: str,
    runs: Mapping[str, Comparable],
    paths: Mapping[str, Path],
    panels: Sequence[CurvePanel],
    tables: Sequence[TextTable],
) -> None:
    """Write a self-contained HTML page. It loads nothing from the network, and all text in it is escaped.

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
    sources = {name: read_source(place) for name, place in paths.items()}
    examples = {name: read_shown(RunDirectory(place).examples) for name, place in paths.items() if place.is_dir()}
    charts: dict[str, Chart] = {
        f"curve-{place}": curve_chart(panel.curves, panel.envelope, panel.logarithmic)
        for place, panel in enumerate(panels)
    }
    if (shares := share_chart(runs)) is not None:
        charts["shares"] = shares
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            meaning=_meanings([run.distance for run in runs.values()]),
            panels=panels,
            charts=charts,
            tables=tables,
            browser=browser(runs, examples),
            assumed={name: assumptions(run.table) for name, run in tabled(runs).items()},
            sources=sources,
        )
    )
    write_whole(Path(path), text)


def read_source(path: Path) -> Source:
    """Read config and provenance of a run directory. Files have neither."""
    config, provenance = path / CONFIG, path / PROVENANCE
    if not path.is_dir():
        return Source(str(path), "", {}, "")
    written = config.read_text(encoding="utf-8") if config.is_file() else ""
    recorded = json.loads(provenance.read_text(encoding="utf-8")) if provenance.is_file() else {}
    # A run without a config was started from Python.
    command = f"smoothing certify --config {quote(str(config))} --run_dir <new directory>"
    return Source(str(path), written, recorded, command if recorded.get("config") else "")


def _meanings(distances: Sequence[Distance]) -> list[str]:
    return list(dict.fromkeys(map(meaning, distances)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=1)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reporting.html", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    # Neither package is imported: that takes longer than to write the page.
    bundle = package_file("itables", "html", "dt_bundle.js")
    plotly = package_file("plotly", "package_data", "plotly.min.js")
    library = b64encode(bundle.read_bytes()).decode()
    environment.globals |= {
        "plotly": plotly.read_text(encoding="utf-8"),
        "datatables": f"data:text/javascript;base64,{library}",
        "datatables_style": bundle.with_suffix(".css").read_text(encoding="utf-8"),
    }
    return environment
