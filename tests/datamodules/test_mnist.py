import re
from hashlib import md5
from pathlib import Path

import pytest
import torchvision
from torch import arange, uint8

from datamodules import MNIST
from tests.datamodules.idx import write_idx


def write_mnist(root: Path) -> dict[str, str]:
    """Small files in MNIST's format; returns their checksums."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 30), ("t10k", 20)):
        write_idx(raw / f"{part}-images-idx3-ubyte", (arange(n * 784) % 251).to(uint8).reshape(n, 28, 28))
        write_idx(raw / f"{part}-labels-idx1-ubyte", (arange(n) % 10).to(uint8))
    return {path.name: md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in raw.iterdir()}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    monkeypatch.setattr(MNIST, "published", write_mnist(tmp_path / "there"))
    return tmp_path / "there"


def test_images_and_labels_are_read(root: Path) -> None:
    data = MNIST([7, 1], str(root))
    data.prepare_data()
    data.setup()
    x, y = data.training_set()
    assert x.shape == (6, 1, 28, 28)
    assert y.tolist() == [1, 0, 1, 0, 1, 0]
    assert x[0, 0, 0, 1] * 255 == (784 + 1) % 251
    assert len(data.test_set()) == 4  # type: ignore[arg-type]


def test_an_argument_goes_before_the_environment(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOOTHING_DATA", str(root))
    MNIST([1, 7]).setup()
    with pytest.raises(ValueError, match=f"^MNIST: {tmp_path / 'nowhere'}/MNIST/raw/.*; must be a readable file"):
        MNIST([1, 7], str(tmp_path / "nowhere")).setup()
    monkeypatch.setenv("SMOOTHING_DATA", "nowhere")
    MNIST([1, 7], str(root)).setup()
    assert MNIST().root == Path("nowhere")
    monkeypatch.setenv("SMOOTHING_DATA", "")
    assert MNIST().root == Path("data")


def test_an_absent_file_is_named(root: Path) -> None:
    path = root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.unlink()
    where = "in the folder that --data.root or the environment variable SMOOTHING_DATA names"
    layout = MNIST.layout
    with pytest.raises(ValueError, match=re.escape(f"MNIST: {path}; must be a readable file. Place {layout} {where}")):
        MNIST([1, 7], str(root)).setup()


def test_a_truncated_file_is_refused(root: Path) -> None:
    path = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"^MNIST: {path}; its MD5 must be [0-9a-f]+, that of the published file$"):
        MNIST([1, 7], str(root)).setup()


def test_what_is_absent_is_downloaded(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: torchvision.datasets.MNIST) -> None:
        write_mnist(Path(self.root))

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    data = MNIST([1, 7], str(tmp_path / "new"))
    data.prepare_data()
    data.setup()
    assert len(data.training_set()[0]) == 6


def test_what_is_there_is_not_downloaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets.MNIST, "download", lambda self: pytest.fail("downloads"))
    MNIST([1, 7], str(root)).prepare_data()


def test_a_failed_download_is_one_line(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: torchvision.datasets.MNIST) -> None:
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    with pytest.raises(ValueError, match=r"MNIST: root = .*; cannot download to it: File not found or corrupted"):
        MNIST([1, 7], str(tmp_path / "new")).prepare_data()


def test_ones_and_sevens(mnist_root: Path) -> None:
    data = MNIST([1, 7], str(mnist_root))
    data.prepare_data()
    data.setup()
    x, y = data.training_set()
    assert x.shape == (13007, 1, 28, 28)
    assert y.bincount().tolist() == [6742, 6265]
    assert len(data.test_set()) == 2163  # type: ignore[arg-type]
