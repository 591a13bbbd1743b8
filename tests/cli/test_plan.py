"""What ``smoothing plan`` prints, and that it leaves everything as it was."""

import re
from functools import partial
from pathlib import Path

import pytest
import yaml

from smoothing.cli.plan import duration, spell
from smoothing.cli.plan import launch as launch_line
from tests.cli.test_bad_input import assert_refused
from tests.cli.test_retrained import RETRAINED
from tests.front_door import kill_after, launch

PLAN = ["plan", "--config", "digits.yaml"]
CERTIFY = ["certify", "--config", "digits.yaml"]


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(printed: str) -> dict[str, str]:
    """Values by name, without those of parts, which are indented. A continued value is joined."""
    found: dict[str, str] = {}
    name = ""
    for line in printed.splitlines():
        if not line.startswith(" "):
            name, _, value = line.partition("  ")
            found[name] = value.strip()
        elif line.startswith(" " * 8):
            found[name] += f" {line.strip()}"
    return found


def test_a_run_is_planned_and_nothing_is_written(workplace: Path) -> None:
    before = files(workplace)
    outcome = launch([*PLAN, "--within", "2d", "--model.measure.q=.1"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(workplace) == before
    assert not (workplace / "runs").exists()
    assert max(map(len, outcome.out.splitlines())) <= 80
    shown = rows(outcome.out)
    assert shown["run directory"] == "runs/digits"
    assert shown["examples"] == "123 of 123 still to certify"
    assert shown["ends within 2 d"].startswith("on 1 rank")
    assert shown["command"] == "smoothing certify --config digits.yaml --model.measure.q=.1"
    assert shown["largest radius"] == "not limited by a number of draws"


def test_the_reach_and_the_draws_of_sampling_are_shown(workplace: Path) -> None:
    config = yaml.safe_load((workplace / "digits.yaml").read_text())
    config["model"]["init_args"] |= {
        "measure": {"class_path": "Subsample", "init_args": {"size": 5}},
        "votes": {"class_path": "Bagging", "init_args": {"learner": {"class_path": "Centroids"}}},
        "certifiers": {"bagging": {"class_path": "ClopperPearson", "init_args": {"n0": 10, "n": 90, "alpha": 0.01}}},
    }
    (workplace / "bagging.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    outcome = launch(["plan", "--config", "bagging.yaml"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    shown = rows(outcome.out)
    examples = int(shown["examples"].split()[0])
    assert shown["draws"] == f"{100 * examples}, 100 for each example"
    assert re.fullmatch(r"bagging: [\d.]+ \w.*", shown["largest radius"])


def test_only_what_is_missing_is_planned(workplace: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 100)).status == -9
    before = files(workplace)
    outcome = launch(PLAN, workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(workplace) == before
    requested = int(rows(outcome.out)["examples"].split()[2])
    assert rows(outcome.out)["examples"] == f"{requested - 100} of {requested} still to certify"


def test_a_finished_run_has_nothing_left(workplace: Path) -> None:
    assert launch(CERTIFY, workplace).status == 0
    before = files(workplace)
    outcome = launch(PLAN, workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(workplace) == before
    assert rows(outcome.out)["examples"].startswith("0 of ")


def test_collective_certificates_are_counted(workplace: Path) -> None:
    config = yaml.safe_load((workplace / "digits.yaml").read_text())
    attack = {"class_path": "smoothing.attacks.GreedyFlips", "init_args": {"budgets": [2, 10]}}
    together = {"class_path": "CollectiveVote", "init_args": {"budgets": [2, 10]}}
    config["model"]["init_args"]["collective"] = {"together": together, "attack": attack}
    (workplace / "digits.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    before = files(workplace)
    outcome = launch(PLAN, workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(workplace) == before
    assert rows(outcome.out)["answers"] == "123 still to certify together"
    assert re.search(r"\n  search +[\d.]+ m?s on one rank, for collective", outcome.out)
    assert launch(CERTIFY, workplace).status == 0
    assert "answers" not in rows(launch(PLAN, workplace).out)


def test_models_are_counted_where_draws_are_kept(workplace: Path) -> None:
    (workplace / "retrained.yaml").write_text(yaml.safe_dump(RETRAINED), encoding="utf-8")
    before = files(workplace)
    outcome = launch(["plan", "--config", "retrained.yaml"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(workplace) == before
    assert rows(outcome.out)["models"].startswith("27 still to train")


def test_a_config_for_several_commands_is_planned_by_its_section(workplace: Path) -> None:
    certify = yaml.safe_load((workplace / "digits.yaml").read_text())
    (workplace / "both.yaml").write_text(yaml.safe_dump({"certify": certify}), encoding="utf-8")
    outcome = launch(["plan", "--config", "both.yaml"], workplace)
    assert (outcome.status, outcome.err) == (0, "")


def test_ranks_share_the_work_in_the_estimate(workplace: Path) -> None:
    outcome = launch([*PLAN, "--trainer.devices=2", "--trainer.strategy=ddp"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert rows(outcome.out)["wall time"].endswith("on 2 ranks")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--within", "soon"], ["within = soon", "90s"]),
        (["--within=0h"], ["within = 0h", "positive"]),
        (["--within=-1h"], ["within"]),
        (["--model.measure.q=0"], ["LabelFlip", "q = 0", "(0, 1/2)"]),
        (["--no_such"], ["no_such"]),
        (["--trainer.precision=16-true"], ["trainer.precision"]),
        (["--base_ckpt=none.ckpt"], ["base_ckpt"]),
        (["--data.flaw=1"], ["flaw"]),
    ],
)
def test_bad_input(workplace: Path, options: list[str], said: list[str]) -> None:
    before = files(workplace)
    assert_refused(launch([*PLAN, *options], workplace), *said)
    assert files(workplace) == before


def test_a_missing_config(workplace: Path) -> None:
    assert_refused(launch(["plan", "--config", "none.yaml"], workplace), "none.yaml")


def test_the_directory_of_another_run_is_refused(workplace: Path) -> None:
    assert launch(CERTIFY, workplace).status == 0
    before = files(workplace)
    assert_refused(launch([*PLAN, "--model.measure.q=.1"], workplace), "run_dir", "another config")
    assert files(workplace) == before


@pytest.mark.parametrize(
    ("given", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("2d", 172800), (" 3 h ", 10800)]
)
def test_durations(given: str, seconds: float) -> None:
    assert duration(given) == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0123, "12.3 ms"), (1.234, "1.23 s"), (119, "119 s"), (600, "10 min"), (9000, "2.5 h"), (200000, "2.31 d")],
)
def test_durations_are_spelled(seconds: float, said: str) -> None:
    assert spell(seconds) == said


def test_the_launch_line_names_the_ranks() -> None:
    options = ["--config", "a b.yaml", "--within", "1h", "--within=2h", "--data.every=2"]
    assert launch_line(options, 1) == {"command": "smoothing certify --config 'a b.yaml' --data.every=2"}
    assert "--within" not in launch_line(options, 5)["command"]
    assert "--trainer.devices=" in launch_line(options, 5)["command"]
