"""Finished runs side by side."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from reporting.comparison import Comparable, Published, Run, common_radii, comparison
from reporting.figure import draw
from reporting.text_table import TextTable
from smoothing.certificates.cells import write_records
from smoothing.certificates.curves import Curve, common_distance
from smoothing.certificates.table import Table
from smoothing.certificates.tsv import FIELD_DISTANCE, read_tsv
from smoothing.cli.audit import Stated, audit_logs
from smoothing.distance import Distance
from smoothing.runs.provenance import read_distance
from smoothing.runs.settings import computed_settings, differing_settings

CURVE = ".csv"
"""Ending of published curves."""


def compare(
    runs: list[str],
    radii: list[float] | None = None,
    envelope: bool = False,
    audit: Stated | None = None,
    out: str = "comparison",
) -> None:
    """Certified accuracy of finished runs side by side.

    Prints certified accuracy, accuracy, abstention, median and average radius of every run and certifier, and the
    settings that differ. Writes the same to ``<out>.csv``, ``<out>.md`` and ``<out>.tex`` (for LaTeX with booktabs),
    draws all curves to ``<out>.png`` and ``<out>.svg``, and logs all of it to wandb, which stays offline unless
    WANDB_MODE says otherwise.

    Args:
        runs: Run directories, logs in the field's TSV format (idx label predict radius correct time), or published
            curves, CSV files with the column radius and one for each line, in the distance of the runs beside them.
        radii: Radii to compare at; by default a few round numbers.
        envelope: Whether to show the best run at every radius too.
        audit: What the logs are said to be, as in ``--audit.alpha 0.001 --audit.n 100000``; finds radii that no count
            can give, and the alpha that fits.
        out: Where to write, without ending.

    Raises:
        ValueError: If a run is missing, damaged or in another distance, or a radius is not allowed, or there is no
            envelope or audit of these runs.
    """
    paths = name_runs(runs)
    if not Path(out).name or out.endswith("/"):
        raise ValueError(f"out: {out!r}; must be the path of files, without ending")
    loaded = load_runs(paths)
    made = comparison(loaded, radii, envelope)
    settings = {name: read_settings(path) for name, path in paths.items() if path.is_dir()}
    differing = differing_settings(settings)
    tables = {"comparison": made.text()}
    if audit is not None:
        tables["audit"] = audit_logs(paths, loaded, audit)
    if differing:
        rows = [[setting, *values.values()] for setting, values in differing.items()]
        tables["settings"] = TextTable("Settings that differ", dict.fromkeys(("setting", *settings), False), rows)
    at = common_radii(loaded)
    curves = {name: run.curve(at) for name, run in loaded.items()}
    csv, md, tex, png, svg = files = [Path(f"{out}.{ending}") for ending in ("csv", "md", "tex", "png", "svg")]
    try:
        csv.parent.mkdir(parents=True, exist_ok=True)
        write_records(csv, ",", made.kinds, made.rows)
        md.write_text(_markdown(list(tables.values()), png.name), encoding="utf-8")
        tex.write_text("\n".join(table.latex() for table in tables.values()), encoding="utf-8")
        draw(curves, png, svg, envelope=envelope)
    except OSError as error:
        raise ValueError(f"out: {out}: {error.strerror}; must be a place that can be written to") from None
    for table in tables.values():
        table.show()
    # Here, since wandb takes seconds to import, which no refused comparison should have to wait for.
    from reporting.comparison_logger import log_comparison

    asked = {"runs": {name: str(path) for name, path in paths.items()}, "settings": settings}
    how = {"radii": radii, "envelope": envelope, "audit": asdict(audit) if audit else None}
    log_comparison(out, curves, tables, files, {**asked, **how})


def name_runs(runs: Sequence[str]) -> dict[str, Path]:
    """Name runs by the last part of their path, where that is enough to tell them apart.

    Raises:
        ValueError: If there is none, one is given twice, under whatever path, or one is not a path.
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
        ValueError: Naming what is missing or damaged.
    """
    published = {name: path for name, path in paths.items() if path.suffix == CURVE and not path.is_dir()}
    runs = {name: load_run(path) for name, path in paths.items() if name not in published}
    if not runs:
        raise ValueError("runs: published curves alone; must stand beside a finished run, whose distance they share")
    distance = common_distance({name: run.distance for name, run in runs.items()})
    return {name: load_curve(path, distance) if name in published else runs[name] for name, path in paths.items()}


def load_curve(path: Path, distance: Distance) -> Published:
    """Read a published curve.

    Raises:
        ValueError: If it is missing, damaged, or no fractions by ascending radius.
    """
    if not path.is_file():
        raise ValueError(f"runs: {path} does not exist; must be a published curve")
    curve = Curve.read_csv(path, distance)
    try:
        return Published(curve)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def load_run(path: Path) -> Run:
    """Read a run directory, or a log in the field's TSV format.

    Raises:
        ValueError: Naming what is missing or damaged.
    """
    if path.is_file():
        return Run(read_tsv(path)[0], FIELD_DISTANCE)
    if not path.is_dir():
        raise ValueError(f"runs: {path} does not exist; must be a run directory or a TSV log")
    for needed in ("certificates.csv", "config.yaml", "provenance.json"):
        if not (path / needed).is_file():
            raise ValueError(f"runs: {path} has no {needed}; must be the directory of a finished run, or a TSV log")
    provenance = path / "provenance.json"
    return Run(Table.read_csv(path / "certificates.csv"), read_distance(provenance), read_examples(provenance))


def read_examples(provenance: Path) -> str | None:
    """Return the hash of the requested examples from the provenance of a run, or of all its data in older ones.

    Raises:
        ValueError: If the file is no provenance.
    """
    try:
        found = json.loads(provenance.read_text(encoding="utf-8"))
        return str(found.get("examples_hash") or found["data"]) or None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{provenance}: names no data; must be the provenance of a finished run") from None


def read_settings(run_dir: Path) -> dict[str, str]:
    """What a run computed by its config, by dotted name; how it was run is left out.

    Raises:
        ValueError: If it is no config.
    """
    path = run_dir / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: holds no settings; must be the config of a finished run")
    return computed_settings(config)


def _markdown(tables: Sequence[TextTable], figure: str) -> str:
    first, *others = tables
    parts = [f"# {first.title}", first.markdown(), f"![Certified accuracy by radius]({figure})"]
    for table in others:
        parts += [f"## {table.title}", table.markdown()]
    return "\n\n".join(parts) + "\n"
