from pathlib import Path

import pytest

from smoothing.certificates import Shard, journal, read_shards
from tests.samples import row


@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_a_torn_line_is_dropped_by_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(journal, "_BLOCK", block)
    path = tmp_path / "rank-0.jsonl"
    with Shard(path) as shard:
        shard.extend([[row(1)], [row(2)]])
    whole = path.read_bytes()
    for torn in (b"", b'{"rows":[', whole.splitlines()[0]):
        path.write_bytes(whole + torn)
        Shard(path).close()
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-1].partition(b"\n")[0])
    Shard(path).close()
    assert path.read_bytes() == b""
    assert read_shards(tmp_path) == {}
