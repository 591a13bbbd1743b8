import gzip
from hashlib import md5
from pathlib import Path

import pytest
import torchvision
from torch import arange, uint8

from datamodules import FashionMNIST
from datamodules.fashion_mnist import ARCHIVES
from tests.datamodules.idx import write_idx


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    raw = tmp_path / "FashionMNIST/raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 30), ("t10k", 20)):
        write_idx(raw / f"{part}-images-idx3-ubyte", (arange(n * 784) % 251).to(uint8).reshape(n, 28, 28))
        write_idx(raw / f"{part}-labels-idx1-ubyte", (arange(n) % 10).to(uint8))
    monkeypatch.setattr(FashionMNIST, "published", {name: pack(raw / name) for name in ARCHIVES})
    return tmp_path


def pack(path: Path) -> str:
    """Write the packed file beside a file; returns its checksum."""
    packed = gzip.compress(path.read_bytes())
    Path(f"{path}.gz").write_bytes(packed)
    return md5(packed, usedforsecurity=False).hexdigest()


def test_checksums_are_those_of_torchvision() -> None:
    assert {f"{name}.gz": md5 for name, md5 in ARCHIVES.items()} == dict(torchvision.datasets.FashionMNIST.resources)


def test_its_own_files_are_read(root: Path) -> None:
    data = FashionMNIST([7, 1], str(root), every=2)
    data.prepare_data()
    data.setup()
    assert data.source == "FashionMNIST"
    assert data.training_set()[0].shape == (6, 1, 28, 28)
    assert list(data.requested) == [0, 2]
    assert data.assumptions == ("label flips stay within the classes 7, 1 of FashionMNIST",)


def test_an_absent_file_is_named(root: Path) -> None:
    for name in ("t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"):
        path = root / "FashionMNIST/raw" / name
        path.unlink()
        message = f"^FashionMNIST: {path}; must be a readable file. Place FashionMNIST/raw/.*gz.* SMOOTHING_DATA names$"
        with pytest.raises(ValueError, match=message):
            FashionMNIST(root=str(root)).setup()


def test_what_is_absent_is_downloaded_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: torchvision.datasets.FashionMNIST) -> None:
        raise RuntimeError("no network")

    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "download", download)
    with pytest.raises(ValueError, match=r"^FashionMNIST: root = .*; cannot download to it: no network. Place "):
        FashionMNIST(root=str(tmp_path)).prepare_data()


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
@pytest.mark.parametrize("length", [0, 3, 12, -5])
def test_a_truncated_file_is_refused(file: str, length: int, root: Path) -> None:
    path = root / "FashionMNIST/raw" / file
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=f"^FashionMNIST: {path}; must have the content of {file}.gz$"):
        FashionMNIST(root=str(root)).setup()


def test_another_file_than_the_published_one_is_refused(root: Path) -> None:
    path = root / "FashionMNIST/raw/train-labels-idx1-ubyte"
    write_idx(path, (arange(30) % 9).to(uint8))
    with pytest.raises(ValueError, match=f"^FashionMNIST: {path}; must have the content of {path.name}.gz$"):
        FashionMNIST(root=str(root)).setup()
    pack(path)
    with pytest.raises(ValueError, match=rf"^FashionMNIST: {path}.gz; its MD5 must be \w+, that of the published"):
        FashionMNIST(root=str(root)).setup()


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b nonsense", None])
def test_a_published_file_that_cannot_be_unpacked_is_refused(
    content: bytes | None, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = root / "FashionMNIST/raw/train-labels-idx1-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-9] if content is None else content)
    sums = FashionMNIST.published | {packed.stem: md5(packed.read_bytes(), usedforsecurity=False).hexdigest()}
    monkeypatch.setattr(FashionMNIST, "published", sums)
    with pytest.raises(ValueError, match=f"^FashionMNIST: {packed.with_suffix('')}"):
        FashionMNIST(root=str(root)).setup()


def test_images_without_labels_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "FashionMNIST/raw/train-labels-idx1-ubyte"
    write_idx(path, (arange(20) % 10).to(uint8))
    monkeypatch.setattr(FashionMNIST, "published", FashionMNIST.published | {path.name: pack(path)})
    with pytest.raises(ValueError, match=r"^FashionMNIST: 30 inputs and 20 labels; must be equal"):
        FashionMNIST(root=str(root)).setup()
