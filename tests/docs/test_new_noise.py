"""The tutorial on defining a noise: its commands run in a copy of the example folder, whose files it shows."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest

from smoothing.certificates import Table
from tests.front_door import launch

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "new_noise.md"
TUTORIAL = PAGE.read_text(encoding="utf-8")
FILES = {
    path.name: path
    for path in (PAGE.parent / name for name in re.findall(r"^```\{literalinclude\} (\S+)$", TUTORIAL, re.MULTILINE))
}
BLOCKS = re.findall(r"^<!-- command -->\n```bash\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert set(FILES) == {"two_scales.py", "test_two_scales.py", "small.py", "two_scales.yaml"}
    for path in FILES.values():
        copy(path, tmp_path)
    return tmp_path


def test_the_noise_has_thirty_lines() -> None:
    assert len([line for line in FILES["two_scales.py"].read_text().splitlines() if line.strip()]) <= 30


@pytest.mark.slow
def test_its_tests_pass(folder: Path) -> None:
    assert COMMANDS[0][0] == "pytest"
    command = [sys.executable, "-m", *COMMANDS[0], "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert "17 passed" in ended.stdout


@pytest.mark.slow
def test_its_commands_lead_to_one_plot(folder: Path) -> None:
    commands = COMMANDS[1:]
    assert [command[:2] for command in commands] == [
        ["smoothing", what] for what in ("fit", "certify", "fit", "certify", "compare")
    ]
    for _, *args in commands:
        quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
        outcome = launch([*args, *(quiet if args[0] != "compare" else [])], folder)
        assert outcome.status == 0, outcome.err
    for ending in ("png", "svg", "csv", "md", "tex"):
        assert (folder / f"two_scales_and_gaussian/comparison.{ending}").stat().st_size > 0
    comparison = (folder / "two_scales_and_gaussian/comparison.md").read_text()
    for run in ("two_scales", "gaussian"):
        rows = Table.read_csv(folder / "runs" / run / "certificates.csv").of("clopper_pearson")
        assert len(rows["index"]) == 120
        assert rows["correct"].mean() > 0.7
        assert (rows["radius"] > 0.2).mean() > 0.4
        assert not rows["sound"].any()
        assert f"| {run} " in comparison
    other = "--model.measure.strong=0.4"
    refused = launch([*commands[1][1:], "--run_dir=runs/other", other, "--trainer.logger=false"], folder)
    assert refused.status == 2
    assert "TwoScales" in refused.err
