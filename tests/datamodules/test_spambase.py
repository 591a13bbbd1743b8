from pathlib import Path

import numpy as np
import pytest

import datamodules.spambase
from datamodules import Spambase


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    folder = tmp_path / "spambase"
    folder.mkdir()
    rows = np.concatenate([np.arange(12 * 57).reshape(12, 57), np.arange(12)[:, None] % 2], 1)
    np.savetxt(folder / "spambase.data", rows, "%g", ",")
    monkeypatch.setattr(Spambase, "emails", 12)
    return tmp_path


def test_every_fifth_by_position_is_a_test(root: Path) -> None:
    data = Spambase(str(root))
    data.prepare_data()
    data.setup()
    x, labels = data.training_set()
    assert (x[:, 0] / 57).tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
    assert labels.tolist() == [0, 1, 0, 1, 1, 0, 1, 0, 0, 1]
    assert [float(data.test_set()[place][1][0]) / 57 for place in range(2)] == [4, 9]
    assert x.is_floating_point()


def test_a_file_that_is_not_whole_is_refused(root: Path) -> None:
    path = root / "spambase/spambase.data"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]))
    with pytest.raises(ValueError, match=rf"^Spambase: {path} has shape \[11, 58\]; must have 12 rows of 58 numbers$"):
        Spambase(str(root)).setup()
    path.write_text("\n".join([*lines[:-1], lines[-1][:40]]))
    with pytest.raises(ValueError, match=f"^Spambase: {path}; must be rows of numbers"):
        Spambase(str(root)).setup()


def test_an_empty_cell_is_refused_unless_something_stands_for_it(root: Path) -> None:
    path = root / "spambase/spambase.data"
    path.write_text(path.read_text().replace("0,1,2,", "0,,2,", 1))
    with pytest.raises(ValueError, match="a cell is empty; must be filled, or missing say by what"):
        Spambase(str(root)).setup()
    data = Spambase(str(root), missing=0.5)
    data.setup()
    assert data.training_set()[0][0, :3].tolist() == [0, 0.5, 2]
    with pytest.raises(ValueError, match="Spambase: missing = -1; must be finite and at least 0"):
        Spambase(missing=-1)


@pytest.mark.parametrize("kind", ["0.5", "2", "-1", "nan", "inf"])
@pytest.mark.parametrize("line", [3, 4])
def test_other_kinds_than_two_are_refused(kind: str, line: int, root: Path) -> None:
    path = root / "spambase/spambase.data"
    lines = path.read_text().splitlines()
    lines[line] = ",".join([*lines[line].split(",")[:-1], kind])
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=rf"^Spambase: label {float(kind):g} found; must be one of \[0, 1\]$"):
        Spambase(str(root)).setup()


def test_an_absent_file_is_refused_or_downloaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "spambase/spambase.data"
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(ValueError, match="must be a readable file"):
        Spambase(str(root)).setup()
    monkeypatch.setattr(
        datamodules.spambase, "download_and_extract_archive", lambda url, root, to: path.write_bytes(content)
    )
    data = Spambase(str(root))
    data.prepare_data()
    data.setup()
    assert len(data.training_set()[0]) == 10


def test_all_of_it(data_root: Path) -> None:
    if not (data_root / "spambase").is_dir():
        pytest.skip(f"no Spambase in SMOOTHING_DATA={data_root}")
    data = Spambase(missing=0)
    data.setup()
    x, labels = data.training_set()
    assert x.shape == (3681, 57)
    assert len(data.test_set()) == 920  # type: ignore[arg-type]
    assert 0.38 < labels.float().mean() < 0.41
