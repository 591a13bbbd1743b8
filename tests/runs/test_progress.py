from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smoothing.runs.progress import Progress
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Draw
from tests.runs.test_run_directory import provenance
from tests.samples import row


def begun(path: Path, made: dict[str, Any] | None = None) -> Progress:
    made = made or provenance()
    progress = Progress(RunDirectory(path), made["config"])
    progress.check(range(2), made)
    return progress


def test_a_run_resumes_what_is_not_finished(tmp_path: Path) -> None:
    first = begun(tmp_path / "run")
    assert (first.remaining, first.opened, first.nothing_to_do) == ([0, 1], False, None)
    assert not (tmp_path / "run").exists()
    first.open({}, write=True)
    with first.directory.shard(0) as shard:
        shard.append([row(index=1), row(index=1, certifier="other")])
    first.close()
    second = begun(tmp_path / "run")
    assert (second.requested, second.remaining, second.rows) == (range(2), [0], 2)
    second.open({}, write=True)
    with second.directory.shard(0) as shard:
        shard.append([row(index=0), row(index=0, certifier="other")])
    second.close()
    third = begun(tmp_path / "run")
    assert third.remaining == []
    assert third.nothing_to_do == "4 of 4 rows were there; nothing was computed"


def test_draws_are_read_in_place(tmp_path: Path) -> None:
    progress = begun(tmp_path / "run")
    draws = progress.draws
    progress.read_draws()
    assert draws == {}
    progress.open({}, write=True)
    with progress.directory.draw_shard(0) as shard:
        shard.append((Draw(0, 3), np.array([1, 2], np.int16)))
    progress.read_draws()
    assert {draw: predictions.tolist() for draw, predictions in draws.items()} == {Draw(0, 3): [1, 2]}
    progress.close()


def test_another_rank_writes_nothing(tmp_path: Path) -> None:
    progress = begun(tmp_path / "run")
    progress.open({}, write=False)
    assert progress.opened
    assert not (tmp_path / "run").exists()


def test_values_fitted_otherwise_are_refused_before_the_first_result(tmp_path: Path) -> None:
    first = begun(tmp_path / "run")
    first.open({"votes": "f1"}, write=True)
    first.close()
    before = (tmp_path / "run/provenance.json").read_bytes()
    second = begun(tmp_path / "run")
    with pytest.raises(ValueError, match="fitted votes is f1 there and f2 here"):
        second.open({"votes": "f2"}, write=True)
    assert not second.opened
    assert (tmp_path / "run/provenance.json").read_bytes() == before
    assert not (tmp_path / "run/lock.json").exists()


def test_a_run_that_another_process_finished_meanwhile_is_not_computed_again(tmp_path: Path) -> None:
    late = begun(tmp_path / "run")
    other = begun(tmp_path / "run")
    other.open({}, write=True)
    with other.directory.shard(0) as shard:
        shard.append([row(index=0)])
    other.close()
    with pytest.raises(ValueError, match=r"another process has written to .*run; run the same command again to resume"):
        late.open({}, write=True)
    assert not (tmp_path / "run/lock.json").exists()
