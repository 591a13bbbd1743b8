"""Every benchmark runs, on small sizes, and the page is made of their tables."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import PARTS, WORKS, NotMeasuredError, cell, page, rows_of

ROOT = Path(__file__).parents[1]


OF_PROCESSES = ("load", "plan", "ranks", "start_up")
"""Scripts that measure processes, of which each needs one of its own."""


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_it_runs(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(script), "--smoke"]
    if script.stem in OF_PROCESSES:
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
        )
        assert ended.returncode == 0, ended.stderr
        assert "|" in ended.stdout
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", command)
    threads = torch.get_num_threads()
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        torch.set_num_threads(threads)
    assert "|" in capsys.readouterr().out


def test_every_script_is_a_part_of_the_page_or_has_a_page_of_its_own() -> None:
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert scripts == {*PARTS, "load", "plan"}


def test_cells_are_found_by_row_and_column() -> None:
    tables = {
        "part": rows_of(
            "text\n| n | ms, all |\n|---|---|\n| 1,000 | 1.5 |\n| 10,000 | 2,500 |\n\n| a |\n|---|\n| b |\n"
        )
    }
    assert cell(tables, "part", "ms", n="1,000 ") == 1.5
    assert cell(tables, "part", "ms", n="10,000") == 2500
    with pytest.raises(NotMeasuredError, match="part has no ms of 2"):
        cell(tables, "part", "ms", n="2")
    with pytest.raises(NotMeasuredError):
        cell({}, "part", "ms")


def test_what_is_missing_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "tables.md").write_text("| rows of the log | audit, ms |\n|---|---|\n| 10,000 | 40 |\n")
    text = page(tmp_path, {"ranks": "took more than 900 s"})
    assert re.search(r"audit of a log of 10,000 rows .* 150 ms \| 40 ms \|", text)
    assert text.count("| not measured: ") == len(WORKS) - 1
    assert "## Two ranks\n\nNo figures: took more than 900 s." in text
    assert text.count("No figures: not run yet.") == len(PARTS) - 2


@pytest.mark.slow
def test_finished_parts_are_kept(tmp_path: Path) -> None:
    kept, made = tmp_path / "kept", tmp_path / "page.md"
    command = [sys.executable, "-m", "benchmarks", "--smoke", "--only", "tables", f"--kept={kept}", f"--page={made}"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    finished = (kept / "tables.md").read_bytes()
    again = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert (first.stdout.splitlines()[0], again.stdout.splitlines()[0]) == ("tables", f"| page | {made} |")
    assert (kept / "tables.md").read_bytes() == finished
    assert "| 2,000 |" in made.read_text()
