"""The command ``dashboard``: workspace and report of wandb for finished runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.comparison import tabled
from smoothing.cli.compare import load_run, name_runs, read_settings
from smoothing.files import write_whole
from smoothing.runs.settings import differing_settings

if TYPE_CHECKING:
    from reporting.dashboard import Certified


def dashboard(runs: list[str], entity: str, project: str = "smoothing", out: str | None = None) -> None:
    """Build a workspace and a report in wandb with the panels for finished runs.

    For each distance there are certified accuracy by radius, the median radius against every numeric setting that
    differs between the runs, the settings that differ, and a table of runs. Synchronise the runs first: ``wandb sync
    <run>/wandb/offline-run-*``. Install the extra: ``pip install 'smoothing-certificates[dashboard]'``.

    Args:
        runs: Run directories. They determine distances, certifiers and settings; the panels show all runs of the
            project.
        entity: User or team in wandb.
        project: Project in wandb.
        out: Folder for the specifications, ``workspace.json`` and ``report.json``. They are then not sent to wandb.

    Raises:
        ValueError: If a run is missing or damaged, a name is empty, the extra is not installed, or wandb refuses.
    """
    for name, value in {"entity": entity, "project": project}.items():
        if not value.strip():
            raise ValueError(f"{name}: {value!r}; must be a name in wandb")
    try:
        from reporting.dashboard import report, specifications, workspace
    except ModuleNotFoundError as error:
        raise ValueError(
            f"dashboard: {error.name} is not installed; must be: pip install 'smoothing-certificates[dashboard]'"
        ) from None
    groups = grouped(runs)
    if out is not None:
        for name, specification in specifications(entity, project, groups).items():
            path = Path(out, f"{name}.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(specification, indent=2) + "\n")
            print(f"{name + ':':10} {path}")
        return
    import wandb

    try:
        for made in (workspace(entity, project, groups), report(entity, project, groups)):
            print(made.save().url)
    except (wandb.errors.Error, OSError) as error:
        raise ValueError(
            f"dashboard: {' '.join(str(error).split())}; must be reachable, after `wandb login`"
        ) from error


def grouped(runs: list[str]) -> "list[Certified]":
    """Return the runs by distance, with their certifiers and the numeric settings that differ.

    Raises:
        ValueError: If a run is missing or damaged.
    """
    from reporting.dashboard import Certified

    paths = name_runs(runs)
    for path in paths.values():
        if not path.is_dir():
            raise ValueError(f"runs: {path}; must be a run directory")
    loaded = tabled({name: load_run(path) for name, path in paths.items()})
    groups = []
    for distance in dict.fromkeys(run.distance for run in loaded.values()):
        members = {name: run for name, run in loaded.items() if run.distance == distance}
        differing = differing_settings({name: read_settings(paths[name]) for name in members})
        numeric = [name for name, values in differing.items() if all(map(_is_number, values.values()))]
        certifiers = dict.fromkeys(certifier for run in members.values() for certifier in run.table.certifiers)
        groups.append(Certified(distance, list(certifiers), numeric))
    return groups


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
