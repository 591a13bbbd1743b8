"""Certified sets in tables, shards and curves."""

from pathlib import Path

import numpy as np
import pytest

from smoothing.certificates import Certificates, SetCurve, Shard, Table, read_shards, rows, set_curve
from smoothing.certificates.set_curves import has_sets
from tests.samples import FLIPS, row

CERTIFICATES = Certificates(
    np.array([1, 0, 2]),
    np.array([2.0, 0.0, 4.0]),
    "mean",
    True,
    True,
    flips_to=np.array([[3.0, 0.0, np.inf], [0.0, 1.0, 5.0], [5.0, 6.0, 0.0]]),
)


@pytest.fixture
def table() -> Table:
    return Table(rows("exact", CERTIFICATES, [0, 1, 2], [1, 1, 0]))


def test_a_table_keeps_sets(table: Table, tmp_path: Path) -> None:
    assert table["flips_to"].tolist() == ["3 0 inf", "0 1 5", "5 6 0"]
    table.write_csv(tmp_path / "t.csv")
    assert list(Table.read_csv(tmp_path / "t.csv")) == list(table)


def test_a_large_table_is_read_by_columns_alike(tmp_path: Path) -> None:
    many = Table(
        row(i, 1, 2.0, certifier=name, flips_to=f"3 0 {i + 4}" if name == "sets" else None)
        for i in range(2500)
        for name in ("plain", "sets")
    )
    many.write_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").stat().st_size > 100_000
    assert list(Table.read_csv(tmp_path / "t.csv")) == list(many)


def test_shards_keep_sets(table: Table, tmp_path: Path) -> None:
    with Shard(tmp_path / "rank-0.jsonl") as shard:
        for one in table:
            shard.append([one])
    assert list(read_shards(tmp_path).table()) == list(table)


def test_files_without_sets_have_no_such_column(tmp_path: Path) -> None:
    Table([row()]).write_csv(tmp_path / "t.csv")
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header.endswith(",assumptions")
    assert list(Table.read_csv(tmp_path / "t.csv")) == [row()]


@pytest.mark.parametrize(
    "text", ["", "0", "1 2", "0 0", "3 0 2", "3 0 2.5", "3 0 nan", "3 0 -1", "3  0", "3.0 0", "a 0", "0 3"]
)
def test_sets_that_contradict_the_row_are_refused(text: str, tmp_path: Path) -> None:
    """The prediction is class 1 and the radius 2."""
    with pytest.raises(
        ValueError, match=r"flips_to = .*; must be 0 for the prediction and whole numbers above the radius"
    ):
        row(0, 1, 2.0, flips_to=text)
    good = Table([row(0, 1, 2.0, flips_to="3 0")])
    good.write_csv(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace("3 0", text or '""'))
    if text:
        with pytest.raises(ValueError, match=r"t\.csv, line 2.*flips_to"):
            Table.read_csv(tmp_path / "t.csv")


def test_a_radius_that_a_set_contradicts_is_refused() -> None:
    raised = Certificates(np.array([1]), np.array([3.0]), "mean", True, True, flips_to=np.array([[3.0, 0.0]]))
    with pytest.raises(ValueError, match="flips_to = 3 0; must be 0 for the prediction"):
        rows("exact", raised, [0], [1])


def test_coverage_and_mean_size(table: Table) -> None:
    curve = set_curve(table, FLIPS, [0, 1, 3, 5, 6])
    assert curve.budgets.tolist() == [0, 1, 3, 5, 6]
    assert (3 * curve.coverage["exact"]).round(9).tolist() == [1, 2, 2, 3, 3]
    assert (3 * curve.size["exact"]).round(9).tolist() == [3, 4, 5, 7, 8]


def test_an_unknown_class_is_covered_by_no_set() -> None:
    table = Table([row(0, 1, 2.0, label=4, flips_to="3 0")])
    assert set_curve(table, FLIPS, [9]).coverage["exact"].tolist() == [0]


def test_only_certifiers_with_sets_have_curves(table: Table) -> None:
    assert has_sets(table)
    both = Table([*table, *(row(one.index, 1, 0.0, one.label, certifier="other") for one in table)])
    assert set(set_curve(both, FLIPS).coverage) == {"exact"}
    plain = Table([row()])
    assert not has_sets(plain)
    with pytest.raises(ValueError, match="set_curve: table without certified sets; must have the column flips_to"):
        set_curve(plain, FLIPS)
    with pytest.raises(ValueError, match=r"radii: 0\.5; must be a whole number of flips"):
        set_curve(table, FLIPS, [0.5])


def test_a_file_of_curves(table: Table, tmp_path: Path) -> None:
    curve = set_curve(table, FLIPS)
    curve.write_csv(tmp_path / "sets.csv")
    assert (tmp_path / "sets.csv").read_text().startswith('budget,"exact, coverage","exact, mean size"\n')
    again = SetCurve.read_csv(tmp_path / "sets.csv", FLIPS)
    assert again.budgets.tolist() == curve.budgets.tolist()
    assert again.coverage["exact"].tolist() == curve.coverage["exact"].tolist()
    assert again.size["exact"].tolist() == curve.size["exact"].tolist()
