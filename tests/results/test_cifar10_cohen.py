"""What results/cifar10_cohen says is what its command and its Python print."""

import csv
import re
import shlex
from pathlib import Path

import pytest

from smoothing.cli.main import main

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "cifar10_cohen"
README = (RESULTS / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def expanded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of the command as a shell gives them, from the root of the repository."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (command,) = blocks("bash")
    program, *words = shlex.split(command)
    assert program == "smoothing"
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def test_the_command_gives_the_files_and_the_files_the_table(expanded: list[str], tmp_path: Path):
    out = expanded.index("--out") + 1
    assert Path(expanded[out]) == RESULTS.relative_to(ROOT)
    expanded[out] = str(tmp_path)
    main(expanded)
    for ending in ("csv", "md", "tex"):
        assert (tmp_path / f"comparison.{ending}").read_text() == (RESULTS / f"comparison.{ending}").read_text()
    with (RESULTS / "comparison.csv").open(newline="") as file:
        rows = {
            row["run"]: [float(row[f"at {r}"]) for r in (0.25, 0.5, 0.75, 1, 1.25, 1.5)] for row in csv.DictReader(file)
        }
    lines = re.findall(r"^\| (0\.\d\d|1\.00|best of them) \| (.* / .*) \|$", README, re.MULTILINE)
    assert len(lines) == 5
    for name, cells in lines:
        found = rows["upper envelope" if "best" in name else f"cifar10_resnet110_train{name}_certify{name}.tsv"]
        for cell, accuracy in zip(cells.split(" | "), found, strict=True):
            published, given = map(float, cell.split(" / "))
            assert given == round(accuracy, 3)
            assert published == pytest.approx(accuracy, abs=0.005)


def test_the_python_prints_what_stands_below_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(ROOT)
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out in blocks("")
