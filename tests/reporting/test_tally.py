from json import loads
from pathlib import Path

import pytest

from reporting.tally import Tally
from smoothing.runs.run_directory import RunDirectory
from tests.samples import FLIPS, L2, row


def test_rows_of_all_ranks_are_counted_once_and_torn_lines_later(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    tally = Tally(directory, FLIPS, 2)
    tally.update()
    assert (tally.examples, tally.draws, tally.accuracy()) == (0, 0, {})
    with directory.shard(0) as first, directory.shard(1) as second:
        first.append([row(0, radius=2.0), row(0, radius=1.0, certifier="kl")])
        second.append([row(1, radius=3.0), row(1, radius=3.0, certifier="kl")])
        tally.update()
        assert tally.accuracy() == {"exact": 1.0, "kl": 0.5}
        first.append([row(2, prediction=0, radius=9.0), row(2, prediction=-1, certifier="kl")])
    path = directory.shards / "rank-0.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    tally.update()
    assert tally.examples == 2
    path.write_bytes(whole)
    tally.update()
    tally.update()
    assert tally.examples == 3
    assert tally.accuracy() == {"exact": 2 / 3, "kl": 1 / 3}


def test_a_strict_radius_certifies_only_below_it(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    with directory.shard(0) as shard:
        shard.append([row(0, radius=0.5)])
        shard.append([row(1, radius=0.6)])
    tally = Tally(directory, L2, 0.5)
    tally.update()
    assert tally.accuracy() == {"exact": 0.5}


def test_rows_that_the_directory_has_read_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunDirectory(tmp_path).shard(0) as shard:
        shard.append([row(0, radius=0.5), row(0, radius=0.1, certifier="kl")])
        shard.append([row(1, radius=0.6), row(1, radius=0.9, certifier="kl", prediction=0)])
    path = RunDirectory(tmp_path).shards / "rank-0.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    directory = RunDirectory(tmp_path)
    assert len(directory.finished()) == 2
    reading = Tally(RunDirectory(tmp_path), L2, 0.5)
    reading.update()
    with directory.shard(0) as shard:
        shard.append([row(2, radius=0.7), row(2, radius=0.8, certifier="kl")])
    parsed: list[bytes] = []
    monkeypatch.setattr("reporting.tally.json.loads", lambda line: parsed.append(line) or loads(line))
    tally = Tally(directory, L2, 0.5)
    tally.update()
    assert len(parsed) == 1
    assert (reading.examples, reading.certified) == (2, {"exact": 1, "kl": 0})
    assert (tally.examples, tally.certified) == (3, {"exact": 2, "kl": 1})
