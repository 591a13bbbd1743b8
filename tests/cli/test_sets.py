"""Certified sets in a run: files, printed table, batches and ranks."""

from pathlib import Path

import pytest
import yaml

from smoothing import load_run
from smoothing.certificates import SetCurve
from tests.front_door import DIGITS, launch, launch_on_two_ranks

SETS = {"exact": {"class_path": "ExactVote", "init_args": {"sets": True}}, "chernoff": {"class_path": "Chernoff"}}


@pytest.fixture
def config(workplace: Path) -> Path:
    model = DIGITS["model"]["init_args"]
    measure = {"class_path": "LabelFlip", "init_args": {"q": 0.3, "num_classes": 3}}
    data = {"class_path": "Digits", "init_args": {"classes": [1, 7, 8], "batch_size": 16, "every": 3}}
    changed = {"class_path": "Certification", "init_args": model | {"measure": measure, "certifiers": SETS}}
    (workplace / "sets.yaml").write_text(yaml.safe_dump(DIGITS | {"model": changed, "data": data}), encoding="utf-8")
    return workplace


def test_a_run_writes_sets_and_their_curve(config: Path) -> None:
    outcome = launch(["certify", "--config", "sets.yaml"], config)
    assert (outcome.status, outcome.err) == (0, "")
    run = config / "runs/sets"
    assert "Certified sets" in outcome.out
    assert "Coverage is the fraction of all requested examples" in outcome.out
    assert (run / "sets.png").stat().st_size > 10_000
    assert "Certified sets" in (run / "report.html").read_text(encoding="utf-8")
    loaded = load_run(run)
    curve, again = loaded.set_curve(), SetCurve.read_csv(run / "sets.csv", loaded.distance)
    assert curve.coverage["exact"].tolist() == again.coverage["exact"].tolist()
    assert curve.size["exact"].tolist() == again.size["exact"].tolist()
    assert set(curve.coverage) == {"exact"}
    assert (curve.coverage["exact"] >= loaded.curve().accuracy["exact"]).all()
    assert curve.size["exact"][0] == 1
    assert 1 < curve.size["exact"][-1] <= 3
    assert (curve.size["exact"][1:] >= curve.size["exact"][:-1]).all()


NTK = "--model.votes={class_path: KernelRidge, init_args: {kernel: {class_path: NTK, init_args: {depth: 2}}}}"


@pytest.mark.slow
@pytest.mark.parametrize("votes", [[], [NTK]], ids=["ridge", "ntk"])
def test_sets_have_the_same_bytes_in_any_batch_and_on_two_ranks(config: Path, votes: list[str]) -> None:
    command = ["certify", "--config", "sets.yaml", *votes]
    outcomes = [
        launch([*command, "--run_dir=runs/a", "--data.batch_size=7"], config),
        launch([*command, "--run_dir=runs/b"], config),
        launch_on_two_ranks([*command, "--run_dir=runs/c"], config),
    ]
    assert [outcome.status for outcome in outcomes] == [0, 0, 0], outcomes
    for file in ("certificates.csv", "sets.csv"):
        assert len({(config / f"runs/{name}" / file).read_bytes() for name in "abc"}) == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.certifiers={exact: {class_path: ExactVote, init_args: {sets: maybe}}}", "sets"),
        ("--model.votes={class_path: KernelRidge, init_args: {kernel: {class_path: NTK, init_args: {depth: 0}}}}",
         "NTK: depth = 0; must be at least 1"),
        ("--model.votes={class_path: KernelRidge, init_args: {kernel: {class_path: RBF, init_args: {bandwidth: -1}}}}",
         "RBF: bandwidth = -1"),
        ("--model.votes={class_path: KernelRidge}", "kernel"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(config: Path, option: str, message: str) -> None:
    outcome = launch(["certify", "--config", "sets.yaml", option], config)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not (config / "runs").exists()
