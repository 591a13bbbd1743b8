"""What ``smoothing doctor`` finds, and that it writes nothing."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch

from smoothing.cli import doctor
from tests.cli.test_bad_input import assert_refused
from tests.front_door import launch


def test_the_machine_is_described_in_80_columns(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(workplace.rglob("*"))
    outcome = launch(["doctor"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert sorted(workplace.rglob("*")) == before
    assert version("torch") in outcome.out
    long = [line for line in outcome.out.splitlines() if len(line) > 80]
    assert all(len(line.split()) <= 2 for line in long), long


def test_the_same_as_json(workplace: Path) -> None:
    outcome = launch(["doctor", "--json"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert list(found) == list(doctor.SECTIONS)
    assert found["Packages"]["numpy"] == version("numpy")
    speeds = found["Devices (speeds in GFLOP/s)"]["cpu float32"]
    assert set(speeds) == {"matmul", "convolution"}
    assert min(speeds.values()) > 0


@pytest.mark.parametrize("options", [["--no_such"], ["extra"], ["--json=3"]])
def test_bad_input(workplace: Path, options: list[str]) -> None:
    assert_refused(launch(["doctor", *options], workplace), options[0].partition("=")[0])


def test_a_missing_or_old_package_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(name: str) -> str:
        if name == "timm":
            raise PackageNotFoundError
        return "0.1" if name == "scipy" else version(name)

    monkeypatch.setattr(doctor, "version", installed)
    found = doctor.packages()
    assert found["timm"] == "missing: pip install 'timm>=1.0'"
    assert found["scipy"] == "0.1, too old or refused: pip install 'scipy>=1.13'"
    assert found["numpy"] == version("numpy")
    assert str(found["pytest"]).endswith("(optional: dev)")


def test_data_sets_are_found_where_their_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOOTHING_DATA", str(tmp_path))
    assert str(doctor.data_sets()["Spambase"]).startswith("missing: needs spambase/spambase.data")
    (tmp_path / "spambase").mkdir()
    (tmp_path / "spambase" / "spambase.data").touch()
    found = doctor.data_sets()
    assert found["Spambase"] == f"found in {tmp_path / 'spambase'}"
    assert str(found["MNIST"]).startswith("missing: needs MNIST/raw/{train-images-idx3-ubyte, ")
    assert str(tmp_path) in str(found["folder"])
    monkeypatch.delenv("SMOOTHING_DATA")
    assert "SMOOTHING_DATA is not set" in str(doctor.data_sets()["folder"])


def test_a_part_of_a_data_set_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOOTHING_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "test_batch").touch()
    assert str(doctor.data_sets()["CIFAR10"]).startswith("missing")


@pytest.mark.parametrize(
    ("layout", "paths"),
    [
        ("a/b.data", ["a/b.data"]),
        ("a/{b,c}", ["a/b", "a/c"]),
        ("a/{b_1,...,b_5,c}.x", ["a/b_1.x", "a/b_5.x", "a/c.x"]),
    ],
)
def test_layouts_are_expanded(layout: str, paths: list[str]) -> None:
    assert doctor.expand(layout) == paths


def test_places_say_whether_they_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "online")
    found = doctor.places()
    assert str(found["runs"]).startswith(f"{tmp_path / 'runs'}: writable")
    assert found["wandb"] == "online (WANDB_MODE)"
    (tmp_path / "runs").touch()
    assert "not writable" in str(doctor.places()["runs"])
    monkeypatch.delenv("WANDB_MODE")
    assert str(doctor.places()["wandb"]).startswith("offline")


def test_speeds_are_those_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(doctor.time, "perf_counter", lambda: float(next(seconds)))
    speeds = doctor.speed(torch.device("cpu"), torch.float32, 0.5)
    # The clock ticks at begin, after the only call, and at the end.
    assert speeds["matmul"] == 2 * 256**3 / 2 / 1e9
    assert speeds["convolution"] == 2 * 8 * 32 * 32 * 32 * 32 * 9 / 2 / 1e9


def test_a_broken_package_does_not_hide_the_rest() -> None:
    def broken() -> doctor.Section:
        raise ImportError("No module named\n'torch'")

    assert doctor._section(broken) == {"unknown": "ImportError: No module named 'torch'"}
