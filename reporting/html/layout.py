"""The frame of HTML reports: style, tables, provenance and the command that repeats a run."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from smoothing.files import write_whole
from smoothing.lazy import package_file
from smoothing.runs.run_directory import CONFIG, PROVENANCE, RunDirectory

RECORDED = ("code", "seed", "data", "examples_hash", "checkpoint", "encoder", "identity", "fitted", "sources")
"""Entries of the provenance that are shown first, in this order. Versions and hardware follow."""


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


def write_report(path: str | Path, template: str, title: str, paths: Mapping[str, Path], **values: object) -> None:
    """Write a self-contained HTML page. It loads nothing from the network, and all text in it is escaped.

    Args:
        path: File to write.
        template: Name of the template, which extends ``layout.html.j2``.
        title: Title of the page.
        paths: Run directory or file of each run, by name.
        **values: Further variables of the template.

    Raises:
        ValueError: If a file of a run directory is damaged.
        OSError: If the page cannot be written.
    """
    sources = {name: read_source(place) for name, place in paths.items()}
    text = _environment().get_template(template).render(title=title, sources=sources, **values)
    write_whole(Path(path), text)


def read_source(path: Path) -> Source:
    """Read config and provenance of a run directory. Files have neither."""
    config, provenance = path / CONFIG, path / PROVENANCE
    if not path.is_dir():
        return Source(str(path), "", {}, "")
    written = config.read_text(encoding="utf-8") if config.is_file() else ""
    recorded = json.loads(provenance.read_text(encoding="utf-8")) if provenance.is_file() else {}
    # A run without a config was started from Python.
    subcommand = "attack" if RunDirectory(path).trial_table.is_file() else "certify"
    command = f"smoothing {subcommand} --config {quote(str(config))} --run_dir <new directory>"
    return Source(str(path), written, recorded, command if recorded.get("config") else "")


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
