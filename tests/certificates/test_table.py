import random
import struct
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smoothing.certificates import Certificates, Row, Table, rows
from smoothing.certificates.cells import INTEGER, write_records
from smoothing.certificates.table import COLUMNS
from tests.samples import row, table


def bits(of: Row) -> list[object]:
    """Cells with floats as their bits, so that nan equals nan and 0 differs from -0."""
    return [struct.pack("<d", cell) if isinstance(cell, float) else cell for cell in astuple(of)]


def test_columns_are_those_of_the_design_in_its_order():
    assert list(COLUMNS) == [
        "index", "certifier", "label", "prediction", "radius", "correct", "log_fail", "log_rival", "n_a", "n_b", "n",
        "n0", "alpha", "classifier", "deterministic", "sound", "assumptions",
        "flips_to",
    ]  # fmt: skip


def test_labels_are_joined_by_position():
    certificates = Certificates(
        prediction=np.array([2, -1]),
        radius=np.array([3.0, 0.0]),
        classifier="majority",
        deterministic=False,
        sound=True,
        assumptions=("labels stay within two classes", "frozen encoder", "frozen encoder"),
        n_a=np.array([90, 40]),
        n=np.array([100, 100]),
        n0=10,
        alpha=0.001,
    )
    first, second = rows("sampled", certificates, torch.tensor([7, 3]), torch.tensor([2, 2]))
    assert first == row(
        7, prediction=2, radius=3.0, label=2, certifier="sampled", n_a=90, n=100, n0=10, alpha=0.001,
        classifier="majority", deterministic=False, assumptions="labels stay within two classes; frozen encoder",
    )  # fmt: skip
    assert (second.index, second.prediction, second.correct, second.n_b) == (3, -1, False, None)
    assert all(type(cell) in (int, float, bool, str, type(None)) for cell in astuple(first))


def test_columns_of_another_length_are_refused():
    certificates = Certificates(np.array([1, 1]), np.zeros(2), "mean", True, True, log_fail=np.zeros(3))
    with pytest.raises(ValueError, match=r"certificates of exact: log_fail has shape \(3,\); must be \(2,\)"):
        rows("exact", certificates, [0, 1], [1, 1])
    with pytest.raises(ValueError, match=r"label has shape \(1,\); must be \(2,\)"):
        rows("exact", replace(certificates, log_fail=None), [0, 1], [1])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"radius": -1.0}, r"radius = -1.0; must be at least 0"),
        ({"radius": float("nan")}, r"radius = nan; must be at least 0"),
        ({"prediction": -1, "radius": 2.0}, r"radius = 2.0; must be 0 where the certifier abstains"),
        ({"prediction": -2}, r"prediction = -2; must be a class, or -1 to abstain"),
        ({"label": -1}, r"label = -1; must be at least 0"),
        ({"index": -1}, r"index = -1; must be at least 0"),
        ({"label": 1.0}, r"label = 1.0; must be a whole number"),
        ({"prediction": 1.0}, r"prediction = 1.0; must be a whole number"),
        ({"n_a": -1}, r"n_a = -1; must be at least 0"),
        ({"n0": -1}, r"n0 = -1; must be at least 0"),
        ({"correct": False}, r"correct = False; must be whether prediction equals label"),
        ({"prediction": -1, "correct": True}, r"correct = True; must be whether prediction equals label"),
        ({"alpha": 1.0}, r"alpha = 1.0; must be within \(0, 1\)"),
        ({"classifier": "median"}, r".*must be mean or majority or run-off or attacked mean or attacked base"),
    ],
)
def test_what_no_certifier_may_claim_is_refused(cells: dict[str, object], message: str):
    with pytest.raises(ValueError, match=rf"^example -?\d+, certifier exact: {message}$"):
        row(**cells)


@pytest.mark.parametrize("name", ["", " ", "a/b", "/"])
def test_names_that_break_the_keys_of_loggers_are_refused(name: str):
    with pytest.raises(ValueError, match=r"certifier = .*; must be a name of at least one character and without '/'"):
        row(certifier=name)


def test_what_is_no_row_is_refused():
    with pytest.raises(ValueError, match=r"^certificate table: row = \{'index': 0\}; must be a Row$"):
        Table([row(0), {"index": 0}])  # type: ignore[list-item]


def test_bytes_are_a_function_of_content(tmp_path: Path):
    made = [row(i, certifier=name, radius=i / 3) for i in range(9) for name in ("zeta", "alpha")]
    Table(made).write_csv(tmp_path / "straight.csv")
    examples = [made[i : i + 2] for i in range(0, len(made), 2)]
    random.Random(0).shuffle(examples)
    Table(r for example in examples for r in example).write_csv(tmp_path / "shuffled.csv")
    assert (tmp_path / "straight.csv").read_bytes() == (tmp_path / "shuffled.csv").read_bytes()
    assert Table(made).certifiers == ("zeta", "alpha")
    assert [(r.index, r.certifier) for r in Table(made)][:3] == [(0, "zeta"), (0, "alpha"), (1, "zeta")]


def test_whole_radii_are_printed_as_whole_numbers(tmp_path: Path):
    Table([row(4, radius=12.0, log_fail=-0.1)]).write_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "4,exact,1,1,12,1,-0.1,,,,,,,mean,1,1,"


floats = st.floats()
maybe_floats = st.none() | floats
maybe_counts = st.none() | st.integers(0, 2**63 - 1)


@given(
    radius=st.floats(min_value=0),
    log_fail=maybe_floats,
    log_rival=maybe_floats,
    n_a=maybe_counts,
    n_b=maybe_counts,
    n=maybe_counts,
    n0=maybe_counts,
    alpha=st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True),
    certifier=st.text(min_size=1).filter(lambda name: name.strip() and "/" not in name),
    assumptions=st.text(),
    sound=st.booleans(),
)
def test_csv_keeps_every_bit(tmp_path_factory: pytest.TempPathFactory, **cells: object):
    made = Table([row(3, **cells), row(2, prediction=-1, certifier=cells["certifier"], log_fail=float("nan"))])
    path = tmp_path_factory.getbasetemp() / "bits.csv"
    made.write_csv(path)
    again = Table.read_csv(path)
    assert list(map(bits, again)) == list(map(bits, made))
    assert again.certifiers == made.certifiers


def test_missing_cells_are_masked():
    made = Table([row(0, n_a=5), row(1)])
    assert made["n_a"].tolist() == [5, None]
    assert made["n_a"].dtype == np.int64
    assert made["radius"].dtype == np.float64
    assert made["correct"].dtype == np.bool_


def test_rows_of_one_certifier():
    part = table((1, 2.0), (0, 1.0), certifiers=("kl", "exact")).of("exact")
    assert part.certifiers == ("exact",)
    assert [(r.index, r.certifier) for r in part] == [(0, "exact"), (1, "exact")]
    with pytest.raises(ValueError, match="certifier: tight; must be one of kl, exact"):
        table((1, 2.0), certifiers=("kl", "exact")).of("tight")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "no rows; at least one example must be certified"),
        ([row(0), row(0)], "example 0: has rows of exact, exact; must have one of each of exact"),
        ([row(0), row(0, certifier="kl"), row(1)], "example 1: has rows of exact; must have one of each of exact, kl"),
        ([row(0), row(1, certifier="kl")], "example 1: has rows of kl; must have one of each of exact"),
    ],
)
def test_every_example_is_answered_once_by_every_certifier(made: list[Row], message: str):
    with pytest.raises(ValueError, match=message):
        Table(made)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0,exact,1,1,7,", "0,exact,1,1,seven,", r"line 2, column radius: 'seven'; must be a number"),
        ("1,exact,1,1,8,", "1,exact,1,1.5,8,", r"line 3, column prediction: '1.5'; must be a whole number"),
        ("1,exact,1,1,8,1", "1,exact,1,1,8,yes", r"line 3, column correct: 'yes'; must be 0 or 1"),
        ("1,exact,1,1,8,1,,", "1,exact,1,1,8,1,low,", r"column log_fail: 'low'; must be a number, or empty"),
        ("1,exact,1,1,8,1", "1,exact,1,1,-8,1", r"line 3: example 1, certifier exact: radius = -8.0; must be at least"),
        ("1,exact,1,1,8,1,", "1,exact,1,1,8,", r"line 3: found 16 cells; must be 17"),
        ("0,exact", "1,exact", r"example 1: has rows of exact, exact; must have one"),
        ("radius", "margin", r"line 1: found the columns index .*; must be index certifier"),
        ("1,exact", '1,"exact', r"line 3: .*; the file is damaged"),
    ],
)
def test_damage_is_named(tmp_path: Path, old: str, new: str, message: str):
    path = tmp_path / "t.csv"
    table((1, 7.0), (1, 8.0)).write_csv(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=rf"^{tmp_path}/t\.csv.*{message}"):
        Table.read_csv(path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(ValueError, match=r"t\.csv: not a text file"):
        Table.read_csv(tmp_path / "t.csv")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_records(path, ",", {"n": INTEGER}, ([1 // n] for n in (1, 0)))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
