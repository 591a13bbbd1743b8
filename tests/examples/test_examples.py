"""The commands of the examples are run as they stand in their READMEs, in copies of their folders."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from smoothing.certificates import Table
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
QUIET = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]


def commands(name: str) -> list[list[str]]:
    """Return the words of the commands of an example's README."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def call(command: list[str], folder: Path) -> str:
    """Run a program and return its output. It must end with status 0."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "WANDB_MODE": "offline"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def smoothing(command: list[str], folder: Path, *options: str) -> None:
    assert command[0] == "smoothing"
    outcome = launch([*command[1:], *QUIET, *options], folder)
    assert outcome.status == 0, outcome.err


def test_every_folder_is_listed_and_explained() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    listed = set(re.findall(r"^\| \[(\w+)\]\(\1\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE))
    assert folders == listed
    assert all(commands(name) for name in folders)


@pytest.mark.parametrize("page", [*EXAMPLES.rglob("*.md"), ROOT / "docs/launch.md"], ids=lambda page: page.parent.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_own_table(tmp_path: Path) -> None:
    folder = copytree(EXAMPLES / "own_table", tmp_path / "own_table")
    write, certify = commands("own_table")
    call(write, folder)
    smoothing(certify, folder)
    table = Table.read_csv(folder / "runs/table/certificates.csv")
    tight, exact = table.of("chernoff_tight"), table.of("exact")
    assert len(exact["radius"]) == 189
    assert exact["correct"].mean() > 0.9
    assert (tight["radius"] <= exact["radius"]).all()
    assert (exact["radius"] >= 5).mean() > 0.6


def test_python_api(tmp_path: Path) -> None:
    ((python, script),) = commands("python_api")
    printed = call([python, str(ROOT / script)], tmp_path)
    accuracy = [float(line.rpartition(" ")[2]) for line in printed.splitlines()]
    assert len(accuracy) == 3
    assert accuracy == sorted(accuracy, reverse=True)
    assert accuracy[0] > 0.8
    assert accuracy[1] > 0.5
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_own_network(tmp_path: Path) -> None:
    folder = copytree(EXAMPLES / "own_network", tmp_path / "own_network")
    fit, certify = commands("own_network")
    smoothing(fit, folder)
    smoothing(certify, folder)
    rows = Table.read_csv(folder / "runs/network/certificates.csv").of("clopper_pearson")
    assert len(rows["radius"]) == 120
    assert rows["correct"].mean() > 0.8
    assert (rows["radius"] > 0.25).mean() > 0.5


@pytest.mark.slow
def test_sweep(tmp_path: Path) -> None:
    for name in ("configs", "examples"):
        copytree(ROOT / name, tmp_path / name)
    (command,) = commands("sweep")
    printed = call([*command, *QUIET], tmp_path)
    settings = ("0.05", "0.1", "0.2")
    radii = []
    for q in settings:
        assert f"q_{q}" in printed
        rows = Table.read_csv(tmp_path / f"runs/sweep/q_{q}/certificates.csv").of("chernoff_tight")
        radii.append(rows["radius"].tolist())
    assert len(radii[0]) == 123
    assert radii[0] != radii[1] != radii[2]


def test_own_noise_runs_in_the_tutorial() -> None:
    """The test of the tutorial runs its commands in a copy of the folder."""
    tutorial = (ROOT / "docs/tutorials/new_noise.md").read_text(encoding="utf-8")
    assert all(shlex.join(command) in tutorial for command in commands("own_noise"))


@pytest.mark.parametrize("name", ["slurm", "submitit"])
def test_launchers_run_in_the_page_on_launching(name: str) -> None:
    """The test of the page runs its scripts."""
    ((program, script, *_),) = commands(name)[-1:]
    page = (ROOT / "docs/launch.md").read_text(encoding="utf-8")
    assert f"\n{program} {script} " in page
