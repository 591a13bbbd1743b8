"""Collective certificates of runs of the command line."""

import json
import os
import shutil
import signal
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from lightning_modules.certifying.collective_pass import CollectivePass
from smoothing import load_run
from smoothing.attacks import CollectiveAttack
from smoothing.certificates import Curve
from smoothing.collective import CollectiveTable
from smoothing.collective.table import MEANING
from smoothing.runs.run_directory import RunDirectory
from tests.front_door import DIGITS, PARTITIONS, kill_after, launch, launch_on_two_ranks

CERTIFY = ["certify", "--config", "together.yaml"]
BUDGETS = [1, 10, 20, 40]


def start(folder: Path, base: dict = DIGITS, kind: str = "CollectiveVote", **arguments: object) -> Path:
    """Write a config with a collective certifier and return its run directory."""
    config = deepcopy(base)
    given = {"budgets": BUDGETS, "steps": 20} | arguments
    config["model"]["init_args"]["collective"] = {"together": {"class_path": kind, "init_args": given}}
    if base is DIGITS and kind == "CollectiveVote" and not arguments:
        attack = {"class_path": "smoothing.attacks.GreedyFlips", "init_args": {"budgets": BUDGETS}}
        config["model"]["init_args"]["collective"]["attack"] = attack
    (folder / "together.yaml").write_text(yaml.safe_dump(config))
    return folder / "runs" / "together"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a finished run, which tests must not change."""
    folder = tmp_path_factory.mktemp("finished")
    run = start(folder)
    outcome = launch(CERTIFY, folder)
    assert (outcome.status, outcome.err) == (0, "")
    assert "The bound names no single answer" in " ".join(outcome.out.split())
    return run


def files(run: Path) -> dict[str, bytes]:
    """Return the collective certificates and their multipliers."""
    return {
        name: (run / name).read_bytes()
        for name in ("collective.csv", "collective/together.npy", "collective/attack.npy")
    }


def test_a_run_writes_collective_certificates_that_are_never_below_the_single_ones(finished: Path) -> None:
    rows = CollectiveTable.read_csv(finished / "collective.csv").of("together")
    loaded = load_run(finished)
    exact = loaded.table.of("exact")
    assert [row.budget for row in rows] == BUDGETS
    for row in rows:
        assert row.number == exact["correct"].sum()
        assert row.examples == len(exact)
        assert row.pointwise == (exact["correct"] & (exact["radius"] >= row.budget)).mean()
        assert row.certified >= row.pointwise
        assert (row.deterministic, row.sound, row.classifier) == (True, True, "mean")
        assert row.assumptions == "label flips stay within the classes 1, 7 of Digits"
    assert any(row.certified > row.pointwise for row in rows)


def test_attacks_are_never_above_the_bounds(finished: Path) -> None:
    table = load_run(finished).collective
    pairs = list(zip(table.of("together"), table.of("attack"), strict=True))
    assert all(attack.bound <= bound.bound for bound, attack in pairs)
    assert all((attack.sound, attack.classifier) == (False, "attacked mean") for _, attack in pairs)
    assert pairs[-1][1].bound > 0
    curve = Curve.read_csv(finished / "curve.csv", load_run(finished).distance)
    assert (curve.attacks, curve.collective) == ({"attack"}, {"together", "attack"})


def test_curves_reports_and_loggers_show_them(finished: Path) -> None:
    loaded = load_run(finished)
    curve = loaded.curve()
    assert curve.collective == {"together", "attack"}
    assert curve.attacks == {"attack"}
    assert set(BUDGETS) <= set(curve.radii)
    certified = [row.certified for row in loaded.collective.of("together")]
    assert curve.accuracy["together"][np.isin(curve.radii, BUDGETS)].tolist() == certified
    assert "together, collective" in (finished / "curve.csv").read_text().splitlines()[0]
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert MEANING in page
    assert "longdashdot" in page
    assert "changes in total" in repr(loaded)


def test_compare_shows_them(finished: Path, tmp_path: Path) -> None:
    assert launch(["compare", str(finished), "--out", str(tmp_path / "made")], tmp_path).status == 0
    text = (tmp_path / "made/comparison.md").read_text()
    assert "Collective certificates" in text
    assert MEANING in text
    assert "together, collective" in text


def test_batch_sizes_do_not_change_them(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    assert launch([*CERTIFY, "--data.batch_size=7"], tmp_path).status == 0
    assert files(run) == files(finished)


def test_a_run_that_was_killed_before_them_computes_them(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after, 123)).status == -9
    assert not (run / "collective.csv").exists()
    outcome = launch(CERTIFY, tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(run) == files(finished)


def test_multipliers_that_were_found_are_not_searched_again(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path).status == 0
    (run / "collective.csv").unlink()
    stored = run / "collective" / "together.npy"
    multipliers = np.zeros_like(np.load(stored))
    np.save(stored, multipliers)
    assert launch(CERTIFY, tmp_path).status == 0
    rows = CollectiveTable.read_csv(run / "collective.csv").of("together")
    assert all(row.certified == row.pointwise for row in rows)


def kill_after_storing(name: str) -> None:
    """Make the process kill itself once the result of a search is stored."""
    store = CollectivePass._store

    def store_and_die(self: CollectivePass, found: str, values: np.ndarray) -> None:
        store(self, found, values)
        if found == name:
            os.kill(os.getpid(), signal.SIGKILL)

    CollectivePass._store = store_and_die


def refuse_attacks() -> None:
    """Make every attack fail."""

    def fail(*_: object) -> None:
        raise AssertionError("attacked again")

    CollectiveAttack.labels = fail


def test_an_attack_that_was_found_is_not_searched_again(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after_storing, "attack")).status == -9
    assert (run / "collective/attack.npy").exists()
    assert not (run / "collective.csv").exists()
    outcome = launch(CERTIFY, tmp_path, refuse_attacks)
    assert (outcome.status, outcome.err) == (0, "")
    assert files(run) == files(finished)


def test_stored_labels_with_more_changes_than_the_budget_are_refused(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    shutil.copytree(finished, run)
    (run / "collective.csv").unlink()
    stored = run / "collective" / "attack.npy"
    labels = np.load(stored)
    labels[0] = labels[-1]
    np.save(stored, labels)
    outcome = launch(CERTIFY, tmp_path)
    assert outcome.status != 0
    assert "must be at most 1 changed, the budget" in outcome.err
    assert not (run / "collective.csv").exists()


@pytest.mark.slow
@pytest.mark.ddp
def test_two_ranks_write_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    run = start(tmp_path)
    assert launch_on_two_ranks(CERTIFY, tmp_path).status == 0
    assert files(run) == files(finished)


@pytest.mark.parametrize("kind", ["CollectivePlurality", "CollectiveRunOff"])
def test_partitions_are_certified_together(tmp_path: Path, kind: str) -> None:
    run = start(tmp_path, PARTITIONS, kind, counted="all")
    outcome = launch(CERTIFY, tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    rows = CollectiveTable.read_csv(run / "collective.csv").rows
    assert all(row.number == row.examples and row.certified >= row.pointwise for row in rows)
    # The fraction of all answers is no accuracy, and is in no curve.
    assert load_run(run).curve().collective == frozenset()


@pytest.mark.parametrize(
    ("base", "kind", "arguments", "message"),
    [
        (DIGITS, "CollectivePlurality", {}, "collective.together: CollectivePlurality cannot be used: Ridge"),
        (PARTITIONS, "CollectiveVote", {}, "CollectiveVote cannot be used: Partitions is not a linear vote"),
        (DIGITS, "CollectiveVote", {"budgets": [-1]}, "CollectiveVote: budgets = -1; must be at least 0"),
        (DIGITS, "CollectiveVote", {"budgets": [5, 5]}, "CollectiveVote: budgets = 5; must be given once"),
        (DIGITS, "CollectiveVote", {"budgets": []}, "CollectiveVote: budgets = []; must be at least one"),
        (DIGITS, "CollectiveVote", {"steps": 0}, "CollectiveVote: steps = 0; must be at least 1"),
    ],
)
def test_bad_input_writes_nothing(tmp_path: Path, base: dict, kind: str, arguments: dict, message: str) -> None:
    run = start(tmp_path, base, kind, **arguments)
    outcome = launch(CERTIFY, tmp_path)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not run.exists()


def test_a_name_that_a_certifier_has_is_refused(tmp_path: Path) -> None:
    config = deepcopy(DIGITS)
    given = {"class_path": "CollectiveVote", "init_args": {"budgets": [1]}}
    config["model"]["init_args"]["collective"] = {"exact": given}
    (tmp_path / "together.yaml").write_text(yaml.safe_dump(config))
    outcome = launch(CERTIFY, tmp_path)
    assert outcome.status == 2
    assert "must differ from the names of certifiers" in outcome.err


def test_changed_tables_are_refused(finished: Path, tmp_path: Path) -> None:
    """A bound lowered by one contradicts its row; a row with other multipliers contradicts the stored ones."""
    text = (finished / "collective.csv").read_text()
    rows = CollectiveTable.read_csv(finished / "collective.csv").rows
    row = next(row for row in rows if row.bound > 0)
    lowered = text.replace(f",{row.number},{row.bound},", f",{row.number},{row.bound - 1},", 1)
    assert lowered != text
    (tmp_path / "collective.csv").write_text(lowered)
    with pytest.raises(ValueError, match=r"certified = .*; must be .*; the file is damaged"):
        CollectiveTable.read_csv(tmp_path / "collective.csv")
    other = RunDirectory(tmp_path)
    (tmp_path / "collective").mkdir()
    np.save(other.multipliers("together"), np.zeros((1, row.examples), np.int64))
    header, *lines = text.splitlines(keepends=True)
    (tmp_path / "collective.csv").write_text(header + "".join(line for line in lines if "together" in line))
    with pytest.raises(ValueError, match="does not hold the multipliers of together"):
        other.read_collective()


def test_the_identity_of_a_run_has_its_collective_certifiers(finished: Path) -> None:
    assert "collective.together" in json.loads((finished / "provenance.json").read_text())["identity"]
