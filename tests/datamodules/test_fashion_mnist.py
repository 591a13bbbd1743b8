from pathlib import Path

import pytest
import torchvision
from torch import arange, uint8

from datamodules import FashionMNIST
from tests.datamodules.idx import write_idx


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    raw = tmp_path / "FashionMNIST/raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 30), ("t10k", 20)):
        write_idx(raw / f"{part}-images-idx3-ubyte", (arange(n * 784) % 251).to(uint8).reshape(n, 28, 28))
        write_idx(raw / f"{part}-labels-idx1-ubyte", (arange(n) % 10).to(uint8))
    return tmp_path


def test_its_own_files_are_read(root: Path) -> None:
    data = FashionMNIST([7, 1], str(root), every=2)
    data.prepare_data()
    data.setup()
    assert data.source == "FashionMNIST"
    assert data.training_set()[0].shape == (6, 1, 28, 28)
    assert list(data.asked) == [0, 2]
    assert data.assumptions == ("label flips stay within the classes 7, 1 of FashionMNIST",)


def test_an_absent_file_is_named(root: Path) -> None:
    path = root / "FashionMNIST/raw/t10k-labels-idx1-ubyte"
    path.unlink()
    with pytest.raises(ValueError, match=f"^FashionMNIST: {path}; must be a readable file$"):
        FashionMNIST(root=str(root)).setup()


def test_what_is_absent_is_downloaded_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: torchvision.datasets.FashionMNIST) -> None:
        raise RuntimeError("no network")

    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "download", download)
    with pytest.raises(ValueError, match=r"^FashionMNIST: root = .*; cannot download to it: no network"):
        FashionMNIST(root=str(tmp_path)).prepare_data()


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
@pytest.mark.parametrize("length", [0, 3, 12, -5])
def test_a_truncated_file_is_refused(file: str, length: int, root: Path) -> None:
    path = root / "FashionMNIST/raw" / file
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=f"^FashionMNIST: root = {root}; must hold whole files"):
        FashionMNIST(root=str(root)).setup()


def test_images_without_labels_are_refused(root: Path) -> None:
    write_idx(root / "FashionMNIST/raw/train-labels-idx1-ubyte", (arange(20) % 10).to(uint8))
    with pytest.raises(ValueError, match=r"^FashionMNIST: 30 inputs and 20 labels; must be as many"):
        FashionMNIST(root=str(root)).setup()
