"""Runs that keep the features of their encoder on disk."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.test_bad_input import CERTIFY, assert_refused
from tests.front_door import kill_after, launch, launch_on_two_ranks

ENCODED = [*CERTIFY, "--model.encoder=KMeansPatches", "--model.encoder.centres=8", "--model.encoder.patch=4"]
ENCODED += ["--model.encoder.samples=200", "--data.every=5"]
KEPT = [*ENCODED, "--model.keep_features=kept"]


def table(workplace: Path, run: str) -> bytes:
    return (workplace / run / "certificates.csv").read_bytes()


def test_tables_are_those_without_the_store_and_features_are_computed_once(workplace: Path) -> None:
    assert launch([*ENCODED, "--run_dir=plain"], workplace).status == 0
    for run in ("first", "second"):
        assert launch([*KEPT, f"--run_dir={run}"], workplace).status == 0
        assert table(workplace, run) == table(workplace, "plain")
        files = {path: path.stat().st_mtime_ns for path in workplace.glob("kept/*/*")}
        if run == "first":
            before = files
    # 235 training examples in blocks of 64, and 25 test examples.
    assert files == before
    assert len(files) == 4 + 25


def test_a_run_resumes_from_another_folder_of_features(workplace: Path) -> None:
    assert launch([*ENCODED, "--run_dir=plain"], workplace).status == 0
    assert launch([*KEPT, "--run_dir=run"], workplace, partial(kill_after, 17)).status == -9
    assert launch([*KEPT, "--run_dir=run", "--model.keep_features=elsewhere"], workplace).status == 0
    assert table(workplace, "run") == table(workplace, "plain")


@pytest.mark.slow
@pytest.mark.ddp
def test_ranks_share_the_features(workplace: Path) -> None:
    assert launch([*KEPT, "--run_dir=one"], workplace).status == 0
    before = {path: path.stat().st_mtime_ns for path in workplace.glob("kept/*/*")}
    assert launch_on_two_ranks([*KEPT, "--run_dir=two"], workplace).status == 0
    assert table(workplace, "one") == table(workplace, "two")
    assert {path: path.stat().st_mtime_ns for path in workplace.glob("kept/*/*")} == before
    assert launch_on_two_ranks([*KEPT, "--run_dir=three", "--model.keep_features=other"], workplace).status == 0
    assert table(workplace, "one") == table(workplace, "three")
    assert {path.name for path in workplace.glob("other/*/*")} == {path.name for path in before}


def of_other_weights(workplace: Path) -> None:
    assert launch([*KEPT, "--run_dir=one", "--model.encoder.seed=1"], workplace).status == 0
    (other,) = (workplace / "kept").iterdir()
    assert launch([*KEPT, "--run_dir=two"], workplace).status == 0
    (mine,) = set((workplace / "kept").iterdir()) - {other}
    for file in mine.iterdir():
        file.write_bytes((other / file.name).read_bytes())


def of_other_data(workplace: Path) -> None:
    assert launch([*KEPT, "--run_dir=one"], workplace).status == 0
    files = sorted(workplace.glob("kept/*/*"))
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents[1:] + contents[:1], strict=True):
        file.write_bytes(content)


@pytest.mark.parametrize("exchange", [of_other_weights, of_other_data])
def test_features_of_other_weights_or_data_are_refused(exchange: Callable[[Path], None], workplace: Path) -> None:
    exchange(workplace)
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    outcome = launch([*KEPT, "--run_dir=refused"], workplace)
    assert_refused(outcome, "keep_features: ", "holds features of other weights, arguments or inputs; must be removed")
    assert {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([*CERTIFY, "--model.keep_features=true"], ["keep_features = True", "false without an encoder"]),
        ([*ENCODED, "--model.keep_features=digits.yaml"], ["keep_features: digits.yaml/", "Not a directory"]),
    ],
)
def test_bad_options_are_refused(workplace: Path, options: list[str], said: list[str]) -> None:
    assert_refused(launch(options, workplace), *said)
    assert not (workplace / "runs").exists()
