"""Finished runs side by side."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from callbacks.comparison import NOTE, Comparison, Run, comparison, show, show_grid
from callbacks.figure import draw
from callbacks.provenance import read_distance
from callbacks.run_directory import HOW_TO_RUN
from smoothing.certificates.cells import write_records
from smoothing.certificates.table import Table
from smoothing.certificates.tsv import FIELD_DISTANCE, read_tsv

UNSET = "-"
"""Stands where a run has no such setting."""


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
    paths = name_runs(runs)
    loaded = {name: load_run(path) for name, path in paths.items()}
    made = comparison(loaded, radii)
    settings = differing_settings({name: read_settings(path) for name, path in paths.items() if path.is_dir()})
    notes = _notes(loaded)
    curves = {name: run.curve() for name, run in loaded.items()}
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        write_records(f"{out}.csv", ",", made.columns, made.rows)
        Path(f"{out}.md").write_text(_markdown(made, settings, notes, f"{Path(out).name}.png"), encoding="utf-8")
        draw(curves, f"{out}.png")
    except OSError as error:
        raise ValueError(f"out: {out}: {error.strerror}; must be a place that can be written to") from None
    show(made)
    print(*notes, sep="\n")
    if settings:
        header, rows = _settings_table(settings)
        show_grid("\nSettings that differ", dict.fromkeys(header, False), rows)


def name_runs(runs: Sequence[str]) -> dict[str, Path]:
    """Name runs by the last part of their path, where that is enough to tell them apart.

    Raises:
        ValueError: If there is none, or one is given twice.
    """
    if not runs:
        raise ValueError("runs: none given; must be at least one run directory or TSV log")
    for run, times in Counter(runs).items():
        if times > 1:
            raise ValueError(f"runs: {run} is given {times} times; must be given once")
    short = [Path(run).resolve().name for run in runs]
    names = short if len(set(short)) == len(short) else runs
    return dict(zip(names, map(Path, runs), strict=True))


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
    return Run(Table.read_csv(path / "certificates.csv"), read_distance(path / "provenance.json"))


def read_settings(run_dir: Path) -> dict[str, Any]:
    """What a run computed by its config, nested keys joined by dots; how it was run is left out.

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
    return dict(_flat({key: value for key, value in config.items() if key not in HOW_TO_RUN}))


def differing_settings(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Settings that are not the same in all runs.

    Args:
        settings: Settings by name of their run.

    Returns:
        For every setting that differs, its value by name of the run.
    """
    keys = dict.fromkeys(key for of_run in settings.values() for key in of_run)
    values = {key: {name: _spell(of_run, key) for name, of_run in settings.items()} for key in keys}
    return {key: by_run for key, by_run in values.items() if len(set(by_run.values())) > 1}


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _spell(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key]).strip('"') if key in settings else UNSET


def _notes(runs: Mapping[str, Run]) -> list[str]:
    asked = {run.table.of(run.table.certifiers[0])["index"].tobytes() for run in runs.values()}
    return [NOTE] if len(asked) == 1 else [NOTE, "The runs were asked different examples."]


def _settings_table(settings: Mapping[str, Mapping[str, str]]) -> tuple[list[str], list[list[str]]]:
    names = list(next(iter(settings.values())))
    return ["setting", *names], [[key, *by_run.values()] for key, by_run in settings.items()]


def _markdown(made: Comparison, settings: Mapping[str, Mapping[str, str]], notes: Sequence[str], figure: str) -> str:
    parts = [f"# {made.title}", _markdown_table(list(made.columns), made.spelled()), *notes]
    parts.append(f"![Certified accuracy by radius]({figure})")
    if settings:
        parts += ["## Settings that differ", _markdown_table(*_settings_table(settings))]
    return "\n\n".join(parts) + "\n"


def _markdown_table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
