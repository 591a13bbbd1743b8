"""Columns and files in the reference are those of the code."""

import json
import re
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from shutil import copy

import pytest
import yaml

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT, optional
from smoothing.certificates.table import COLUMNS
from smoothing.collective import table as collective
from tests.cli.test_network import NETWORK
from tests.docs.pages import DOCS, QUIET, ROOT
from tests.front_door import launch

NAMES = {INTEGER: "whole number", NUMBER: "number", FLAG: "flag", TEXT: "text"}
NAMES |= {optional(kind): f"{name} or empty" for kind, name in NAMES.items()}
RETRAINED = "--model.measure Gaussian --model.measure.sigma 0.5 --model.certifiers.clopper_pearson.n0 5"
RUNS = ("runs/label_flip/digits", "runs/label_flip/digits_collective")
RETRAINED += " --model.certifiers.clopper_pearson.n 15 --run_dir runs/retrained"


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    text = (DOCS / "reference" / page).read_text(encoding="utf-8").partition(f"# {heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in lines[0].splitlines()[2:]]


def names(heading: str) -> set[str]:
    """Return the names in the first column of a table of the run directory."""
    return {name for first, *_ in rows("run_directory.md", heading) for name in re.findall(r"`(.*?)`", first)}


def test_columns_are_those_of_the_table() -> None:
    assert [row[0].strip("`") for row in rows("table.md", "Table of certificates")] == list(COLUMNS)
    assert [row[1] for row in rows("table.md", "Table of certificates")] == [NAMES[kind] for kind in COLUMNS.values()]


def test_columns_are_those_of_collective_certificates() -> None:
    found = rows("table.md", "Collective certificates")
    assert [row[0].strip("`") for row in found] == list(collective.COLUMNS)
    assert [row[1] for row in found] == [NAMES[kind] for kind in collective.COLUMNS.values()]
    assert list(collective.COLUMNS) == [field.name for field in fields(collective.CollectiveRow)]


@pytest.mark.slow
def test_files_are_those_of_runs(tmp_path: Path) -> None:
    """Every file of a run is described, and every described file is written, except the lock of a running process."""
    for name in ("configs", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    sets = "--model.certifiers={exact: {class_path: ExactVote, init_args: {sets: true}}}"
    command = ["certify", "--config", "configs/label_flip/digits.yaml", "--trainer.accelerator=cpu", sets]
    logged = launch(command, tmp_path)
    together = launch(
        ["certify", "--config", "configs/label_flip/digits_collective.yaml", "--trainer.accelerator=cpu"], tmp_path
    )
    assert together.status == 0, together.err
    retrained = launch(["certify", "--config", "configs/denoise/digits.yaml", *RETRAINED.split(), *QUIET], tmp_path)
    assert (logged.status, retrained.status) == (0, 0), logged.err + retrained.err
    written = [files(tmp_path / run) for run in (*RUNS, "runs/retrained")]
    described(set().union(*written), names("Files of `certify`") - {"lock.json"})
    provenance = json.loads((tmp_path / "runs/label_flip/digits/provenance.json").read_text())
    assert set(provenance) == names("`provenance.json`")


@pytest.mark.slow
def test_files_are_those_of_trainings(tmp_path: Path) -> None:
    copy(ROOT / "tests/cli/outside/small.py", tmp_path)
    config = {**NETWORK["fit"], "trainer": {"max_epochs": 1, "accelerator": "cpu"}}
    (tmp_path / "network.yaml").write_text(yaml.safe_dump({"fit": config}), encoding="utf-8")
    outcome = launch(["fit", "--config", "network.yaml"], tmp_path)
    assert outcome.status == 0, outcome.err
    described(files(tmp_path / "runs/network_fit"), names("Files of `fit`"))


def files(run: Path) -> set[str]:
    return {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}


def described(written: set[str], patterns: set[str]) -> None:
    """Check that files and patterns of files are the same. ``N`` is a number, and a folder covers what it contains."""
    expected = {name: f"{name}*" if name.endswith("/") else name.replace("-N.", "-[0-9].") for name in patterns}
    assert not {file for file in written if not any(fnmatch(file, pattern) for pattern in expected.values())}
    assert not {name for name, pattern in expected.items() if not any(fnmatch(file, pattern) for file in written)}
