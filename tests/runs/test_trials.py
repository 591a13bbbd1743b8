from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from smoothing.runs.trials import Trial, TrialShard, read_trials

SAMPLES: dict[Any, Any] = {str: "a", int: 1, float: 0.5, bool: True}


def trial(number: int) -> Trial:
    hints = get_type_hints(Trial)
    return replace(Trial(**{field.name: SAMPLES.get(hints[field.name]) for field in fields(Trial)}), number=number)


def test_trials_are_read_as_they_were_written(tmp_path: Path) -> None:
    trials = [trial(number) for number in range(3)]
    shard = TrialShard(tmp_path / "rank-0.jsonl", "own")
    for one in trials:
        shard.append(one)
    shard.close()
    assert list(read_trials(tmp_path, "own").values()) == trials
    with pytest.raises(ValueError, match=r"line 1: a trial of another run \(own\); must be of this run \(other\)"):
        read_trials(tmp_path, "other")
