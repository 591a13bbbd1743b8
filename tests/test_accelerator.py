"""The measurements on an accelerator run on the CPU at their smallest size."""

import gzip
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accelerator import __main__ as accelerator
from benchmarks.accelerator.part import DIGITS, FILE, CIFAR10Part, digits
from benchmarks.accelerator.report import LINES, PAGE, Report, write_page

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with random images and digits in the layout of the part."""
    rng, folder = np.random.default_rng(0), tmp_path / "data"
    arrays = {}
    for name, count in (("train", 300), ("test", 50)):
        arrays[f"{name}_images"] = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
        arrays[f"{name}_labels"] = np.arange(count) % 10
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    np.savez_compressed(folder / FILE, **arrays)
    images, labels = rng.integers(0, 256, (200, 28, 28), np.uint8), (np.arange(200) % 10).astype(np.uint8)
    for name, head, values in zip(DIGITS, (16, 8), (images, labels), strict=True):
        (raw / name).write_bytes(gzip.compress(bytes(head) + values.tobytes()))
    return folder


def test_the_part_is_a_data_module(data: Path) -> None:
    part = CIFAR10Part(data)
    part.setup()
    assert (str(part.origin), part.image_shape) == ("CIFAR10 train[:300]", (3, 32, 32))
    assert len(part.test_set()) == 50
    x, y = digits(data)
    assert (x.shape, x.max(), y[:12].tolist()) == ((200, 1, 28, 28), 1, [*range(10), 0, 1])


def test_a_failed_and_a_late_stage_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (("bad", "raise SystemExit(3)"), ("late", "import time; time.sleep(60)"), ("good", "")):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
    monkeypatch.setattr(accelerator, "PACKAGE", "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = [accelerator.run(stage, tmp_path, tmp_path, 5.0) for stage in ("bad", "late", "good", "absent")]
    assert ended == [
        "failed with exit status 3",
        "stopped at its limit of 5 s",
        "finished",
        "failed with exit status 1",
    ]


def test_the_page_has_a_table_per_set_of_columns(tmp_path: Path) -> None:
    report = Report(tmp_path, "first", 10)
    report.add(a=1, b="x|y")
    report.add(a=0.123456, b="z")
    with report.attempt("division"):
        _ = 1 / 0
    write_page(tmp_path, "# Head")
    page = (tmp_path / PAGE).read_text()
    assert "| a | b |\n|---|---|\n| 1 | x\\|y |\n| 0.1235 | z |\n" in page
    assert "| division | ZeroDivisionError: division by zero |" in page
    assert len((tmp_path / LINES).read_text().splitlines()) == 3


@pytest.mark.slow
def test_all_stages_run_on_the_cpu(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    env = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "benchmarks.accelerator", "--data", str(data), "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=600)
    lines = [json.loads(line) for line in (out / LINES).read_text().splitlines()]
    ended = {line["stage"]: line["stage_ended"] for line in lines if "stage_ended" in line}
    assert ended == dict.fromkeys(accelerator.STAGES, "finished")
    assert not [line for line in lines if line.get("failed") and "tests" not in line]
    assert (out / "simclr.ckpt.0").is_file()
