from dataclasses import replace
from pathlib import Path

import pytest

from smoothing.runs.trials import Trial, TrialShard, read_csv, read_trials, write_csv

TRIAL = Trial("frogs", 3, "none", 7, 1, 2, 5, 0.1, "linf", 2, True, 90, 100, None, 2.5, 1 / 3, "ab", False)
CERTIFIED = replace(TRIAL, defence="parts", prediction=1, success=False, radius=4.0, seen=True)


def test_trials_survive_their_table(tmp_path: Path) -> None:
    write_csv(tmp_path / "trials.csv", [TRIAL, CERTIFIED])
    assert read_csv(tmp_path / "trials.csv") == [TRIAL, CERTIFIED]


def test_trials_survive_their_journal(tmp_path: Path) -> None:
    with TrialShard(tmp_path / "rank-0.jsonl", "run") as shard:
        shard.extend([TRIAL, CERTIFIED])
    assert read_trials(tmp_path, "run") == {TRIAL.key: TRIAL, CERTIFIED.key: CERTIFIED}
    with pytest.raises(ValueError, match=r"rank-0.jsonl, line 1: a trial of another run"):
        read_trials(tmp_path, "other")


@pytest.mark.parametrize("change", [("0.1", "x"), ("True", "1"), ("linf,2,True", "linf,1,True"), ("90,100", "101,100")])
def test_damaged_tables_are_named(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "trials.csv"
    write_csv(path, [CERTIFIED, TRIAL])
    lines = path.read_text().splitlines()
    assert change[0] in lines[2]
    path.write_text("\n".join([*lines[:2], lines[2].replace(*change)]) + "\n")
    with pytest.raises(ValueError, match=r"trials.csv, line 3: damaged"):
        read_csv(path)


@pytest.mark.parametrize("change", [{"success": False}, {"right": 101}, {"right": -1}, {"count": 1.0}, {"seen": 1}])
def test_values_agree(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^Trial: "):
        replace(TRIAL, **change)  # type: ignore[arg-type]
