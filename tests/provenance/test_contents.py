import os
from pathlib import Path

import pytest

from smoothing.provenance import contents
from smoothing.provenance.contents import CACHE, contents_hash


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "data"


def hashed(root: Path) -> str:
    return contents_hash(root, sorted(root.rglob("*.png")))


def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders with files that are read from now on."""
    read: list[str] = []
    contents_of = contents._contents

    def noted(files: list[Path]) -> str:
        read.append(files[0].parent.name)
        return contents_of(files)

    monkeypatch.setattr(contents, "_contents", noted)
    return read


def test_contents_of_the_same_size_are_told_apart(root: Path) -> None:
    before = hashed(root)
    (root / "a/1.png").write_bytes(b"a/3.png")
    assert hashed(root) != before


def test_names_count(root: Path) -> None:
    before = hashed(root)
    (root / "b/1.png").rename(root / "b/2.png")
    assert hashed(root) != before


def test_only_folders_that_changed_are_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_files(monkeypatch)
    before = hashed(root)
    assert read == ["a", "b"]
    assert hashed(root) == before
    assert read == ["a", "b"]
    assert (root / CACHE).exists()
    (root / "b/1.png").write_bytes(b"other")
    assert hashed(root) != before
    assert read == ["a", "b", "b"]


def test_the_cache_lies_elsewhere_if_the_folder_is_not_writable(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = contents.tempfile.NamedTemporaryFile

    def refusing(*arguments: object, dir: Path, **options: object) -> object:
        if dir == root:
            raise PermissionError
        return draft(*arguments, dir=dir, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(contents.tempfile, "NamedTemporaryFile", refusing)
    read = read_files(monkeypatch)
    assert hashed(root) == hashed(root)
    assert read == ["a", "b"]
    assert not (root / CACHE).exists()
    assert len(list(home.rglob("*.json"))) == 1


def test_a_damaged_cache_is_made_again(root: Path) -> None:
    before = hashed(root)
    for damaged in ("", "[1]", '{"a/1.png": 3}'):
        (root / CACHE).write_text(damaged)
        assert hashed(root) == before
    os.utime(root / "a/1.png")
    assert hashed(root) == before
