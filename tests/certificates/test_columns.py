import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smoothing.certificates import Row, Table, columns, read_shards, read_tsv, shards
from smoothing.certificates.journal import _closed
from smoothing.certificates.table import COLUMNS
from tests.samples import row

ROWS = [
    row(0, radius=0.0, label=1, certifier="kl", log_fail=float("-inf"), n_a=3, alpha=0.01, assumptions="a, b; c"),
    row(0, radius=-0.0, prediction=-1, label=0, certifier="exact", log_fail=float("nan"), n=7),
    row(3, radius=float("inf"), certifier="kl", n_a=2**53 + 1),
    row(3, radius=0.1 + 0.2, certifier="exact", log_rival=-1e-300, n0=0),
]
LOG = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.5\t1\t0:00:12.3\n1\t3\t-1\t0\t0\t\n5\t2\t0\t.25\t0\t1.5\n"


def bits(table: Table) -> list[object]:
    found: list[object] = [table.certifiers]
    for name in COLUMNS:
        column = table[name]
        data = np.ma.getdata(column)
        found.append(data.tolist() if data.dtype == object else data.tobytes())
        found += [data.dtype, type(column), np.ma.getmaskarray(column).tobytes()]
    return found


def outcome(path: Path, large: int) -> object:
    """What is read: the bits of the table, or the message."""
    few = patch.multiple(columns, ROWS_AT_A_TIME=3, CHARACTERS_AT_A_TIME=7)
    with patch.object(columns, "LARGE", large), few:
        try:
            if path.suffix == ".tsv":
                table, seconds = read_tsv(path)
                return bits(table), seconds
            return bits(Table.read_csv(path))
        except ValueError as error:
            return str(error)


def same(path: Path) -> None:
    assert outcome(path, 0) == outcome(path, 10**9)


@pytest.fixture(params=["with quotes", "without quotes"])
def csv(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "table.csv"
    quoted = request.param == "with quotes"
    # Rows without commas in texts, and without NaN, which pandas reads from an empty cell only.
    plain = [replace(ROWS[0], assumptions="a; b"), replace(ROWS[1], log_fail=-0.5), *ROWS[2:]]
    Table(ROWS if quoted else plain).write_csv(path)
    assert ('"' in path.read_text()) == quoted
    return path


def test_both_readers_give_the_same_bits(csv: Path, tmp_path: Path):
    same(csv)
    log = tmp_path / "log.tsv"
    log.write_text(LOG)
    same(log)


def test_plain_tables_are_read_by_columns(csv: Path, tmp_path: Path):
    log = tmp_path / "log.tsv"
    log.write_text(LOG)
    with (
        patch.object(columns, "LARGE", 0),
        patch("smoothing.certificates.table.read_records", side_effect=AssertionError),
        patch("smoothing.certificates.tsv.read_records", side_effect=AssertionError),
    ):
        assert len(Table.read_csv(csv)) == 4
        assert len(read_tsv(log)[0]) == 3


PIECES = st.sampled_from([
    *(",", "\t", "\n", "\r", "\r\n", '"', '""', "0", "1", "-1", "01", "+1", "1.", "1e1", "true", "nan"),
    *("True", "inf", "", "1_0", "\0", "\x1c", "é", "\ufeff", "9" * 20, "x", "/", ",,", '",', ',"'),
    *("0.5", "1e400", "-0", "kl", "mean", "9" * 5000),
])  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(data=st.data())
def test_no_damage_passes_that_the_line_reader_refuses(kind: str, csv: Path, data: st.DataObject):
    text = csv.read_text() if kind == "csv" else LOG
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 4)))
        text = text[:start] + data.draw(PIECES) + text[stop:]
    damaged = csv.parent / f"damaged.{kind}"
    damaged.write_bytes(text.encode())
    same(damaged)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(data=st.data())
def test_no_cell_passes_that_the_line_reader_refuses(kind: str, csv: Path, data: st.DataObject):
    text, delimiter = (csv.read_text(), ",") if kind == "csv" else (LOG, "\t")
    lines = [line.split(delimiter) for line in text.splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        cells = lines[data.draw(st.integers(1, len(lines) - 1))]
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(PIECES)
    damaged = csv.parent / f"damaged.{kind}"
    damaged.write_bytes("".join(delimiter.join(cells) + "\n" for cells in lines).encode())
    same(damaged)


@pytest.mark.parametrize(
    "lines",
    [
        "0\t3\t3\t0.5\t1\t1\t\n1\t3\t3\t0.5\t1\n",
        "0\t3\t3\t0.5\t1\n1\t3\t3\t0.5\t1\t1\t\n",
        "0\t3\t3\t0.5\t1\t1\t\n1\t3\t3\t0.5\t1\t1\t\n",
        '0\t"3"1\t31\t0.5\t1\t1\n',
        '0\t""3\t3\t0.5\t1\t1\n',
        '0\t"3"\t3\t0.5\t"1"\t""\n',
        "0\t3\t3\t0.5\t1\t1",
        "\n0\t3\t3\t0.5\t1\t1\n",
    ],
)
def test_lines_that_a_lenient_reader_would_mend(tmp_path: Path, lines: str):
    path = tmp_path / "log.tsv"
    path.write_text(LOG.splitlines(keepends=True)[0] + lines)
    same(path)


def write(path: Path, *examples: list[dict[str, object]]) -> None:
    path.write_bytes(b"".join(_closed("rows", json.dumps(example)) for example in examples))


def cells(of: Row) -> dict[str, object]:
    return dict(zip(COLUMNS, of.cells(), strict=True))


VALUES = st.sampled_from(
    [None, True, False, -1, 0, 1, 2**63, 2**70, 0.0, 1.5, float("nan"), float("inf"), "", "kl", "a/b", [], {}]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(name=st.sampled_from(list(COLUMNS)), value=VALUES)
@example(name="index", value=2**70)
def test_shards_are_read_alike_by_columns_and_by_rows(tmp_path: Path, name: str, value: object):
    write(tmp_path / "rank-0.jsonl", [cells(row(1))], [cells(row(2)) | {name: value}])

    def read() -> object:
        try:
            return bits(read_shards(tmp_path).table())
        except ValueError as error:
            return str(error)

    fast = read()
    with patch.object(shards, "_plain_columns", side_effect=ValueError):
        assert read() == fast


def test_rows_of_a_shard_without_optional_values_are_read(tmp_path: Path):
    old = {name: value for name, value in cells(row(1)).items() if name not in ("assumptions", "log_rival")}
    write(tmp_path / "rank-0.jsonl", [old])
    assert read_shards(tmp_path) == {1: [row(1)]}


def test_the_first_damaged_line_is_named(tmp_path: Path):
    path = tmp_path / "rank-0.jsonl"
    write(path, [cells(row(1))], [cells(row(2)) | {"radius": -1.0}], [cells(row(3))])
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(ValueError, match=r"rank-0\.jsonl, line 2: damaged \(example 2, .*radius = -1.0"):
        read_shards(tmp_path)


def test_finished_examples_keep_columns_not_rows(tmp_path: Path):
    write(tmp_path / "rank-0.jsonl", *[[cells(row(index))] for index in range(1000)])
    with patch.object(shards, "Row", side_effect=AssertionError("a row was created")):
        finished = read_shards(tmp_path)
        assert (len(finished), finished.rows, 7 in finished) == (1000, 1000, True)
        assert len(finished.table()) == 1000
