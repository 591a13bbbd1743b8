import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smoothing.certificates import Row, Shard, read_shards
from tests.samples import row

EXAMPLES = [
    [row(i, radius=10.0 * i, certifier="kl", log_fail=-i / 3), row(i, radius=11.0 * i, certifier="exact", n_a=i)]
    for i in (4, 2, 9)
]


def write(path: Path, examples: list[list[Row]]) -> None:
    with Shard(path) as shard:
        for example in examples:
            shard.append(example)


def test_appended_rows_are_read(tmp_path: Path):
    write(tmp_path / "rank-0.jsonl", EXAMPLES[:2])
    write(tmp_path / "rank-1.jsonl", EXAMPLES[2:])
    assert read_shards(tmp_path) == {example[0].index: example for example in EXAMPLES}


def test_infinite_and_nan_values_are_kept(tmp_path: Path):
    write(tmp_path / "rank-0.jsonl", [[row(0, radius=float("inf"), log_fail=float("-inf"), log_rival=float("nan"))]])
    (back,) = read_shards(tmp_path)[0]
    assert (back.radius, back.log_fail, repr(back.log_rival)) == (float("inf"), float("-inf"), "nan")


def test_a_directory_without_shards_has_nothing_finished(tmp_path: Path):
    assert read_shards(tmp_path / "none") == {}


def test_a_torn_last_line_is_removed_wherever_it_is_torn(tmp_path: Path):
    path = tmp_path / "rank-0.jsonl"
    write(path, EXAMPLES)
    whole = path.read_bytes()
    finished = len(b"".join(whole.splitlines(keepends=True)[:2]))
    for torn_at in range(finished, len(whole)):
        path.write_bytes(whole[:torn_at])
        assert list(read_shards(tmp_path)) == [4, 2]
        assert path.read_bytes() == whole[:torn_at], "reading must not write"
        Shard(path).close()
        assert path.read_bytes() == whole[:finished]
    write(path, EXAMPLES[2:])
    assert path.read_bytes() == whole


def test_finished_lines_are_not_touched(tmp_path: Path):
    path = tmp_path / "rank-0.jsonl"
    write(path, EXAMPLES[:2])
    before = path.read_bytes()
    write(path, EXAMPLES[2:])
    assert path.read_bytes().startswith(before)


def test_a_line_survives_the_death_of_its_process(tmp_path: Path):
    script = f"""
import os, signal
from smoothing.certificates import Shard
from tests.samples import row
shard = Shard({str(tmp_path / "rank-0.jsonl")!r})
shard.append([row(5, radius=2.0)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert read_shards(tmp_path) == {5: [row(5, radius=2.0)]}


def test_a_damaged_line_is_named(tmp_path: Path):
    path = tmp_path / "rank-3.jsonl"
    write(path, EXAMPLES)
    lines = path.read_bytes().splitlines(keepends=True)
    for damaged in (b"\n", b"{}\n", lines[1][:40] + b"\n", b"\xff" + lines[1]):
        path.write_bytes(lines[0] + damaged + lines[2])
        with pytest.raises(ValueError, match=rf"^{tmp_path}/rank-3\.jsonl, line 2: damaged"):
            read_shards(tmp_path)


def test_every_tampered_digit_is_caught(tmp_path: Path):
    path = tmp_path / "rank-0.jsonl"
    write(path, EXAMPLES)
    whole = path.read_bytes()
    digits = [match.start() for match in re.finditer(rb"\d", whole)]
    assert len(digits) > 100
    for at in digits:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        line = whole[:at].count(b"\n") + 1
        with pytest.raises(ValueError, match=rf"rank-0\.jsonl, line {line}: damaged \(checksum does not match\)"):
            read_shards(tmp_path)


def test_an_example_that_two_ranks_answered_must_agree(tmp_path: Path):
    write(tmp_path / "rank-0.jsonl", EXAMPLES)
    write(tmp_path / "rank-1.jsonl", EXAMPLES[1:2])
    assert len(read_shards(tmp_path)) == 3
    write(tmp_path / "rank-1.jsonl", [[row(9, radius=1.0)]])
    with pytest.raises(
        ValueError, match=r"rank-1\.jsonl, line 2: example 9 differs from the one in .*rank-0\.jsonl, line 3"
    ):
        read_shards(tmp_path)


def test_a_line_holds_one_example(tmp_path: Path):
    with Shard(tmp_path / "rank-0.jsonl") as shard:
        with pytest.raises(ValueError, match=r"rows of the examples \[1, 2\]; must be of exactly one example"):
            shard.append([row(1), row(2)])
        with pytest.raises(ValueError, match=r"rows of the examples \[\]"):
            shard.append([])
    assert (tmp_path / "rank-0.jsonl").read_bytes() == b""
