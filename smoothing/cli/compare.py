"""The command ``compare``: comparison of finished runs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from reporting.collective import collective_table
from reporting.comparison import Comparable, Published, Run, common_radii, comparison, tabled
from reporting.figure import draw
from reporting.text_table import TextTable
from reporting.titles import common_title, run_title
from smoothing.certificates.cells import write_records
from smoothing.certificates.curves import Curve, common_distance
from smoothing.certificates.table import Table
from smoothing.certificates.tsv import FIELD_DISTANCE, read_tsv
from smoothing.cli.audit import Stated, audit_logs
from smoothing.cli.compare_trials import are_trials, compare_trials
from smoothing.collective.table import CollectiveTable
from smoothing.distance import Distance
from smoothing.runs.provenance import read_distance
from smoothing.runs.settings import computed_settings, differing_settings, telling_settings

SETTINGS = 8
"""Largest number of settings that are printed. The files have all."""

CURVE = ".csv"
"""Suffix of published curves."""


def compare(
    runs: list[str],
    radii: list[float] | None = None,
    envelope: bool = False,
    audit: Stated | None = None,
    out: str = "comparison",
) -> None:
    """Compare the certified accuracy of finished runs.

    The command prints certified accuracy, accuracy, abstention, median radius and average radius of every run and
    certifier, and the settings that differ. It writes to one folder: the tables to ``comparison.csv``,
    ``comparison.md`` and ``comparison.tex`` (LaTeX with booktabs), all curves to ``comparison.png`` and
    ``comparison.svg``, and a self-contained HTML report with the examples of the runs to ``report.html``. It logs
    everything to wandb, offline unless WANDB_MODE is set.

    Of trials of attacks against defences, it prints attack success and clean accuracy with 95 % intervals, beside
    published results, and writes ``comparison.md``, ``comparison.tex`` and ``report.html``, which shows poisons too.

    Args:
        runs: Run directories; TSV logs with the columns idx label predict radius correct time; or published curves:
            CSV files with the column radius and one column per curve, in the distance of the other runs.
        radii: Radii to compare at. The default is a few round numbers.
        envelope: Whether to show the best run at every radius too.
        audit: Stated parameters of the logs, as in ``--audit.alpha 0.001 --audit.n 100000``. The audit finds radii that
            no count can give, the alpha that fits, and missing test examples.
        out: Folder to write to. It is created if it does not exist.

    Raises:
        ValueError: If a run is missing, damaged or in another distance, a radius is not allowed, the files cannot be
            written, or an envelope or audit is not possible for these runs.
    """
    paths = name_runs(runs)
    if not out.strip():
        raise ValueError(f"out: {out!r}; must be the path of a folder")
    if are_trials(paths):
        compare_trials(paths, out)
        return
    loaded = load_runs(paths)
    made = comparison(loaded, radii, envelope)
    settings = {name: read_settings(path) for name, path in paths.items() if path.is_dir()}
    differing = differing_settings(settings)
    tables = {"comparison": made.text()}
    if audit is not None:
        tables["audit"] = audit_logs(paths, loaded, audit)
    if (together := collective_table({name: run.collective for name, run in tabled(loaded).items()})) is not None:
        tables["collective"] = together
    if differing:
        rows = [[setting, *values.values()] for setting, values in differing.items()]
        tables["settings"] = TextTable("Settings that differ", dict.fromkeys(("setting", *settings), False), rows)
    at = common_radii(loaded)
    curves = {name: run.curve(at) for name, run in loaded.items()}
    folder = Path(out)
    csv, md, tex, png, svg = [folder / f"comparison.{ending}" for ending in ("csv", "md", "tex", "png", "svg")]
    files = [csv, md, tex, png, svg, folder / "report.html"]
    # Imported here, since the import of plotly takes seconds and would delay error messages.
    from reporting.html.page import CurvePanel, write_page

    title = common_title([run_title(read_config(paths[name]), run.table) for name, run in tabled(loaded).items()])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_records(csv, ",", made.kinds, made.rows)
        md.write_text(_markdown(list(tables.values()), png.name), encoding="utf-8")
        tex.write_text("\n".join(table.latex() for table in tables.values()), encoding="utf-8")
        draw(curves, png, svg, envelope=envelope, title=title)
        panels = [CurvePanel(made.title, curves, envelope)]
        shown = [replace(tables["comparison"], title="Runs"), *list(tables.values())[1:]]
        write_page(files[-1], f"Comparison: {title or folder.resolve().name}", loaded, paths, panels, shown)
    except OSError as error:
        raise ValueError(f"out: {out}: {error.strerror}; must be writable") from None
    printed = {**tables, "settings": few_settings(tables["settings"], differing, md)} if differing else tables
    for table in printed.values():
        table.show()
    for kind, path in {"table": csv, "figure": png, "report": files[-1]}.items():
        print(f"{kind + ':':7} {path}")
    # Imported here, since the import of wandb takes seconds and would delay error messages.
    from reporting.comparison_logger import log_comparison

    compared = {"runs": {name: str(path) for name, path in paths.items()}, "settings": settings}
    how = {"radii": radii, "envelope": envelope, "audit": asdict(audit) if audit else None}
    log_comparison(out, curves, tables, files, {**compared, **how})


def few_settings(table: TextTable, differing: Mapping[str, Mapping[str, str]], file: Path) -> TextTable:
    """Return the settings that explain the difference of the runs, at most `SETTINGS`.

    Args:
        table: All settings that differ.
        differing: The same settings, by name and run.
        file: File with all settings, for the note.
    """
    telling = list(telling_settings(differing).items())[:SETTINGS]
    hidden = len(differing) - len(telling)
    notes = (f"{hidden} more settings differ, paths and hashes included: see {file}.",) if hidden else ()
    return replace(table, rows=[[setting, *values.values()] for setting, values in telling], notes=notes)


def name_runs(runs: Sequence[str]) -> dict[str, Path]:
    """Name runs by the last part of their paths if it is unique, otherwise by their paths.

    Raises:
        ValueError: If there is no run, a run is given twice, or an element is not a path.
    """
    given: Sequence[Any] = runs
    if isinstance(runs, str) or not all(isinstance(run, str) and run for run in given):
        raise ValueError(f"runs: {runs!r}; must be a list of paths")
    if not runs:
        raise ValueError("runs: none given; must be at least one run directory or TSV log")
    resolved = [Path(run).resolve() for run in runs]
    for path, times in Counter(resolved).items():
        if times > 1:
            raise ValueError(f"runs: {runs[resolved.index(path)]} is given {times} times; must be given once")
    short = [path.name for path in resolved]
    names = short if len(set(short)) == len(short) and all(short) else runs
    return dict(zip(names, map(Path, runs), strict=True))


def load_runs(paths: Mapping[str, Path]) -> dict[str, Comparable]:
    """Read runs, logs and published curves.

    Raises:
        ValueError: If a run is missing or damaged, naming the file, or if there are only published curves.
    """
    published = {name: path for name, path in paths.items() if path.suffix == CURVE and not path.is_dir()}
    runs = {name: load_run(path) for name, path in paths.items() if name not in published}
    if not runs:
        raise ValueError("runs: only published curves; must include a finished run, which determines the distance")
    distance = common_distance({name: run.distance for name, run in runs.items()})
    return {name: load_curve(path, distance) if name in published else runs[name] for name, path in paths.items()}


def load_curve(path: Path, distance: Distance) -> Published:
    """Read a published curve.

    Raises:
        ValueError: If the file is missing, damaged, or not a published curve; see `Published`.
    """
    if not path.is_file():
        raise ValueError(f"runs: {path} does not exist; must be a published curve")
    curve = Curve.read_csv(path, distance)
    try:
        return Published(curve)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def load_run(path: Path) -> Run:
    """Read a run directory or a TSV log.

    Raises:
        ValueError: If a file is missing or damaged, naming it.
    """
    if path.is_file():
        return Run(read_tsv(path)[0], FIELD_DISTANCE)
    if not path.is_dir():
        raise ValueError(f"runs: {path} does not exist; must be a run directory or a TSV log")
    for needed in ("certificates.csv", "config.yaml", "provenance.json"):
        if not (path / needed).is_file():
            raise ValueError(f"runs: {path} has no {needed}; must be the directory of a finished run, or a TSV log")
    provenance = path / "provenance.json"
    examples, randomised = read_examples(provenance)
    table, collective = Table.read_csv(path / "certificates.csv"), CollectiveTable.read_csv(path / "collective.csv")
    return Run(table, read_distance(provenance), examples, collective, randomised)


def read_examples(provenance: Path) -> tuple[str | None, str | None]:
    """Return the hash of the requested examples, or of all data in an older run, and the object of the radii.

    The object is None in older runs.

    Raises:
        ValueError: If the file is not a provenance.
    """
    try:
        found = json.loads(provenance.read_text(encoding="utf-8"))
        return str(found.get("examples_hash") or found["data"]) or None, found.get("object")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{provenance}: has no data; must be the provenance of a finished run") from None


def read_settings(run_dir: Path) -> dict[str, str]:
    """Return the settings that determine the results of a run, by dotted name.

    Raises:
        ValueError: If the config is damaged.
    """
    return computed_settings(read_config(run_dir))


def read_config(run_dir: Path) -> dict[str, Any]:
    """Return the config of a run. Logs have none: their config is empty.

    Raises:
        ValueError: If the config is damaged.
    """
    path = run_dir / "config.yaml"
    if not run_dir.is_dir():
        return {}
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: has no settings; must be the config of a finished run")
    return config


def _markdown(tables: Sequence[TextTable], figure: str) -> str:
    first, *others = tables
    parts = [f"# {first.title}", first.markdown(), f"![Certified accuracy by radius]({figure})"]
    for table in others:
        parts += [f"## {table.title}", table.markdown()]
    return "\n\n".join(parts) + "\n"
