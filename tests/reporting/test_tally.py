from pathlib import Path

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
