import csv
from pathlib import Path

import pytest
import torch

import datamodules.imdb
from datamodules import IMDB
from datamodules.imdb import COLUMNS
from datamodules.texts import to_bytes


def write(path: Path, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    monkeypatch.setattr(IMDB, "reviews", 2)
    for part in ("train", "test"):
        write(tmp_path / f"imdb/imdb_{part}.csv", [[0, 0, 3, f'so "bad", é\n{part}'], [1, 0, 8, "fine"]])
    return tmp_path


def test_reviews_are_bytes(root: Path) -> None:
    data = IMDB(str(root))
    data.prepare_data()
    data.setup()
    x, labels = data.training_set()
    assert x.dtype == torch.uint8
    assert [bytes(row.numpy()).rstrip(b"\0").decode() for row in x] == ['so "bad", é\ntrain', "fine"]
    assert labels.tolist() == [0, 1]
    assert data.num_classes == 2
    assert bytes(data.test_set()[0][1].numpy()).decode() == 'so "bad", é\ntest'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 0, 3, "bad"]], r"imdb_train.csv has 1 reviews; must have 2, as published"),
        ([[0, 0, 3, "bad"], [2, 0, 8, "fine"]], "imdb_train.csv has label 2; must be 0 or 1"),
        ([[0, 0, 3, "bad"], [1, 0]], "must have the columns label, id, rating, text in every line"),
        ([[0, 0, 3, "a\0b"], [1, 0, 8, "fine"]], "zero character found|complete CSV"),
    ],
)
def test_damaged_files_are_refused(rows: list[list[object]], message: str, root: Path) -> None:
    write(root / "imdb/imdb_train.csv", rows)
    with pytest.raises(ValueError, match=message):
        IMDB(str(root)).setup()


def test_a_file_that_ends_early_is_refused(root: Path) -> None:
    path = root / "imdb/imdb_train.csv"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"IMDB: .*imdb_train.csv"):
        IMDB(str(root)).setup()


def test_absent_files_are_refused(root: Path) -> None:
    (root / "imdb/imdb_test.csv").unlink()
    with pytest.raises(ValueError, match=r"imdb_test.csv; must be .* No such file.* Place imdb/.* SMOOTHING_DATA"):
        IMDB(str(root)).setup()


def test_what_is_absent_is_downloaded_and_brought_into_form(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(url: str, folder: str, md5: str) -> None:
        for part in ("train", "test"):
            for name in ("neg", "pos"):
                reviews = Path(folder) / "aclImdb" / part / name
                reviews.mkdir(parents=True)
                (reviews / "10_9.txt").write_text(f"{name} {part}, é", encoding="utf-8")

    monkeypatch.setattr(datamodules.imdb, "download_and_extract_archive", download)
    data = IMDB(str(tmp_path / "new"))
    data.prepare_data()
    data.setup()
    x, labels = data.training_set()
    assert [bytes(row.numpy()).decode() for row in x] == ["neg train, é", "pos train, é"]
    assert labels.tolist() == [0, 1]
    monkeypatch.setattr(datamodules.imdb, "download_and_extract_archive", lambda *_, **__: pytest.fail("downloads"))
    data.prepare_data()


def test_a_failed_download_is_one_line(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> None:
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(datamodules.imdb, "download_and_extract_archive", download)
    with pytest.raises(ValueError, match=r"IMDB: root = .*; cannot download to it: File not found or corrupted"):
        IMDB(str(tmp_path / "new")).prepare_data()


def test_rows_of_bytes_are_as_long_as_the_longest_text() -> None:
    assert to_bytes(["ab", "", "é"]).tolist() == [[97, 98], [0, 0], [195, 169]]
    with pytest.raises(ValueError, match="zero character"):
        to_bytes(["a\0b"])


def test_all_of_it(data_root: Path) -> None:
    if not (data_root / "imdb").is_dir():
        pytest.skip(f"no IMDB in SMOOTHING_DATA={data_root}")
    data = IMDB()
    data.prepare_data()
    data.setup()
    x, labels = data.training_set()
    assert labels.bincount().tolist() == [12500, 12500]
    assert bytes(x[0].numpy()).startswith(b"Story of a man who has unnatural feelings for a pig.")
