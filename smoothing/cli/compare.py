"""Finished runs side by side."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from pathlib import Path
from typing import Any

import yaml
from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from callbacks.figure import draw
from callbacks.provenance import read_distance
from smoothing.certificates.cells import INTEGER, NUMBER, TEXT, Kind, write_records
from smoothing.certificates.curves import certified_curve, common_distance, summary
from smoothing.certificates.table import Table
from smoothing.certificates.tsv import FIELD_DISTANCE, read_tsv
from smoothing.distance import Distance

UNSET = "-"
"""Stands where a run has no value."""

_UNFOLDED = 10_000


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        table: Its certificates.
        distance: The distance of their radii.
        settings: Its config, nested keys joined by dots; empty for a log, which has none.
    """

    table: Table
    distance: Distance
    settings: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What is printed, and written as CSV and Markdown.

    Attributes:
        distance: The distance of all radii.
        columns: Kind of every column.
        rows: One per run and certifier, values in the order of the columns.
        settings: Values by run, for every setting that differs.
        asked_alike: Whether all runs were asked the same examples.
    """

    distance: Distance
    columns: dict[str, Kind]
    rows: list[list[Any]]
    settings: dict[str, dict[str, str]]
    asked_alike: bool


def compare(runs: list[str], radii: list[float] | None = None, out: str = "comparison") -> None:
    """Certified accuracy of finished runs side by side.

    Prints certified accuracy, accuracy, abstention and median radius of every run and certifier, and the settings
    that differ; writes the same to ``<out>.csv`` and ``<out>.md``, and draws all curves to ``<out>.png``.

    Args:
        runs: Run directories, or logs in the field's TSV format (idx label predict radius correct time).
        radii: Radii to compare at; by default a few round numbers.
        out: Where to write, without ending.

    Raises:
        ValueError: If a run is missing, damaged or in another distance, or a radius is not allowed.
    """
    loaded = load_runs(runs)
    made = comparison(loaded, radii)
    curves = {name: certified_curve(run.table, run.distance) for name, run in loaded.items()}
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        write_records(f"{out}.csv", ",", made.columns, made.rows)
        Path(f"{out}.md").write_text(markdown(made, figure=f"{Path(out).name}.png"), encoding="utf-8")
        draw(curves, f"{out}.png")
    except OSError as error:
        raise ValueError(f"out: {out}; {error.strerror}: must be a place that can be written to") from None
    show(made)


def load_runs(paths: Sequence[str]) -> dict[str, Run]:
    """Read runs, named by the last part of their path where that is enough to tell them apart.

    Raises:
        ValueError: Naming the run that is missing, given twice or damaged.
    """
    if not paths:
        raise ValueError("runs: none given; must be at least one run directory or TSV log")
    for path, times in Counter(paths).items():
        if times > 1:
            raise ValueError(f"runs: {path} is given {times} times; must be given once")
    short = [Path(path).resolve().name for path in paths]
    names = short if len(set(short)) == len(short) else paths
    return {name: _load(Path(path)) for name, path in zip(names, paths, strict=True)}


def comparison(runs: Mapping[str, Run], radii: Sequence[float] | None = None) -> Comparison:
    """Compare runs at the given radii, by default at a few round numbers.

    Raises:
        ValueError: If distances differ, or a radius is not allowed.
    """
    distance = common_distance({name: run.distance for name, run in runs.items()})
    at = _round_radii([run.table for run in runs.values()], distance) if radii is None else radii
    curves = {name: certified_curve(run.table, distance, at) for name, run in runs.items()}
    reached = next(iter(curves.values())).radii
    columns = {
        "run": TEXT,
        "certifier": TEXT,
        "classifier": TEXT,
        "examples": INTEGER,
        "accuracy": NUMBER,
        "abstention": NUMBER,
        "median_radius": NUMBER,
        **{f"at {NUMBER.write(r)}": NUMBER for r in reached},
    }
    rows = []
    for name, run in runs.items():
        for certifier, numbers in summary(run.table).items():
            part = run.table.of(certifier)
            rows.append(
                [
                    name,
                    certifier,
                    part["classifier"][0],
                    len(part),
                    numbers["accuracy"],
                    numbers["abstention"],
                    numbers["median_radius"],
                    *curves[name].accuracy[certifier],
                ]
            )
    asked = {tuple(run.table.of(run.table.certifiers[0])["index"].tolist()) for run in runs.values()}
    return Comparison(distance, columns, rows, differing_settings(runs), len(asked) == 1)


def differing_settings(runs: Mapping[str, Run]) -> dict[str, dict[str, str]]:
    """Settings that are not the same in all runs that have a config, with each run's value."""
    configured = {name: run.settings for name, run in runs.items() if run.settings}
    keys = dict.fromkeys(key for settings in configured.values() for key in settings)
    values = {key: {name: _spell(settings, key) for name, settings in configured.items()} for key in keys}
    return {key: by_run for key, by_run in values.items() if len(set(by_run.values())) > 1}


def markdown(made: Comparison, figure: str) -> str:
    """A comparison as Markdown, with a link to its figure."""
    parts = [f"# {_title(made)}", *_markdown_table(list(made.columns), _spelled(made))]
    parts += ["", f"![Certified accuracy]({figure})"]
    parts += ["", *_notes(made)]
    if made.settings:
        parts += ["", "## Settings that differ", *_markdown_table(*_settings_table(made))]
    return "\n".join(parts) + "\n"


def show(made: Comparison) -> None:
    """Print a comparison. Lines are never folded, whatever the width of the terminal."""
    console = Console(width=_UNFOLDED, highlight=False)
    numeric = {name: kind is not TEXT for name, kind in made.columns.items()}
    console.print(_grid(_title(made), numeric, _spelled(made)))
    for note in _notes(made):
        console.print(note)
    if made.settings:
        header, rows = _settings_table(made)
        console.print(_grid("\nSettings that differ", dict.fromkeys(header, False), rows))


def _load(path: Path) -> Run:
    if path.is_file():
        return Run(read_tsv(path)[0], FIELD_DISTANCE, {})
    if not path.is_dir():
        raise ValueError(f"{path}: no such run; must be a run directory or a TSV log")
    for needed in ("certificates.csv", "config.yaml", "provenance.json"):
        if not (path / needed).is_file():
            raise ValueError(f"{path}: no {needed}; must be the directory of a finished run, or a TSV log")
    table = Table.read_csv(path / "certificates.csv")
    return Run(table, read_distance(path / "provenance.json"), _read_settings(path / "config.yaml"))


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: holds no settings; must be the config of a finished run")
    return dict(_flat(config))


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _spell(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key]).strip('"') if key in settings else UNSET


def _round_radii(tables: Sequence[Table], distance: Distance) -> list[float]:
    """A few round numbers up to where the last certificate reaches."""
    top = max(float(certified_curve(table, distance).radii[-1]) for table in tables)
    ticks = MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=distance.integer).tick_values(0, top)
    return [float(f"{r:.12g}") for r in ticks if 0 < r <= top]


def _title(made: Comparison) -> str:
    return f"Certified accuracy by {made.distance.norm} radius ({made.distance.unit})"


def _spelled(made: Comparison) -> list[list[str]]:
    """Rows for readers: fractions in percent, the median radius rounded down."""
    digits = 0 if made.distance.integer else 3
    spelled = []
    with localcontext(rounding=ROUND_FLOOR):
        for run, certifier, classifier, examples, accuracy, abstention, median, *certified in made.rows:
            shares = [f"{share:.1%}" for share in (accuracy, abstention, *certified)]
            cells = [
                run,
                certifier,
                classifier,
                str(examples),
                *shares[:2],
                f"{Decimal(NUMBER.write(median)):.{digits}f}",
                *shares[2:],
            ]
            spelled.append(cells)
    return spelled


def _notes(made: Comparison) -> list[str]:
    notes = ["Fractions are of all examples asked; an abstention is wrong."]
    if not made.asked_alike:
        notes.append("The runs were asked different examples.")
    return notes


def _settings_table(made: Comparison) -> tuple[list[str], list[list[str]]]:
    names = list(next(iter(made.settings.values())))
    return ["setting", *names], [[key, *by_run.values()] for key, by_run in made.settings.items()]


def _markdown_table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["", *("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)]


def _grid(title: str, columns: Mapping[str, bool], rows: Sequence[Sequence[str]]) -> Grid:
    """A table for the terminal; ``columns`` says which hold numbers."""
    grid = Grid(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, numeric in columns.items():
        grid.add_column(name.replace("_", "\n"), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid
