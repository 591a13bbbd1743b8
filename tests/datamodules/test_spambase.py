from hashlib import md5
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
    publish(monkeypatch, folder / "spambase.data")
    return tmp_path


def publish(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(Spambase, "published", md5(path.read_bytes(), usedforsecurity=False).hexdigest())


def test_every_fifth_by_position_is_a_test(root: Path) -> None:
    data = Spambase(str(root))
    data.prepare_data()
    data.setup()
    x, labels = data.training_set()
    assert (x[:, 0] / 57).tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
    assert labels.tolist() == [0, 1, 0, 1, 1, 0, 1, 0, 0, 1]
    assert [float(data.test_set()[place][1][0]) / 57 for place in range(2)] == [4, 9]
    assert x.is_floating_point()


def test_another_file_than_the_published_one_is_refused(root: Path) -> None:
    """As a copy in use in which the second number of the first e-mail is gone."""
    path = root / "spambase/spambase.data"
    whole = path.read_text()
    for other in (whole[:-1], whole.replace("0,1,2,", "0,,2,", 1), "", whole[:-40]):
        path.write_text(other)
        with pytest.raises(ValueError, match=rf"^Spambase: {path}; its MD5 must be \w+, that of the published file$"):
            Spambase(str(root)).setup()


def test_both_ends_of_lines_are_read(root: Path) -> None:
    path = root / "spambase/spambase.data"
    known = Spambase(str(root))
    known.setup()
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    data = Spambase(str(root))
    data.setup()
    assert data.fingerprint() == known.fingerprint()


@pytest.mark.parametrize("kind", ["0.5", "2", "-1", "nan", "inf"])
@pytest.mark.parametrize("line", [3, 4])
def test_other_kinds_than_two_are_refused(kind: str, line: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "spambase/spambase.data"
    lines = path.read_text().splitlines()
    lines[line] = ",".join([*lines[line].split(",")[:-1], kind])
    path.write_text("\n".join(lines))
    publish(monkeypatch, path)
    with pytest.raises(ValueError, match=rf"^Spambase: label {float(kind):g} found; must be one of \[0, 1\]$"):
        Spambase(str(root)).setup()


def test_an_absent_file_is_refused_or_downloaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "spambase/spambase.data"
    content = path.read_bytes()
    path.unlink()
    message = "; must be a readable file: No such file.* Place spambase/spambase.data in the folder that .*"
    with pytest.raises(ValueError, match=f"^Spambase: {path}{message}SMOOTHING_DATA names$"):
        Spambase(str(root)).setup()
    monkeypatch.setattr(
        datamodules.spambase, "download_and_extract_archive", lambda url, root, to: path.write_bytes(content)
    )
    data = Spambase(str(root))
    data.prepare_data()
    data.setup()
    assert len(data.training_set()[0]) == 10


def test_words_are_present_or_absent(root: Path) -> None:
    data = Spambase(str(root), words="present")
    data.setup()
    x, _ = data.training_set()
    assert x[0, :3].tolist() == [0, 1, 1]
    assert (x[1:, :48] == 1).all()
    np.testing.assert_allclose(x[:2, 48:].exp(), [np.arange(49, 58), np.arange(106, 115)], rtol=1e-6)
    with pytest.raises(ValueError, match=r"^Spambase: words = 'counts'; must be one of percentages, present$"):
        Spambase(str(root), words="counts")  # type: ignore[arg-type]


def test_all_of_it(data_root: Path) -> None:
    if not (data_root / "spambase").is_dir():
        pytest.skip(f"no Spambase in SMOOTHING_DATA={data_root}")
    data = Spambase()
    data.setup()
    x, labels = data.training_set()
    assert x.shape == (3681, 57)
    assert len(data.test_set()) == 920  # type: ignore[arg-type]
    assert x[0, :3].tolist() == pytest.approx([0, 0.64, 0.64])
    assert 0.38 < labels.float().mean() < 0.41
