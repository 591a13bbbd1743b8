import pickle
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from datamodules import CIFAR10


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files in CIFAR-10's format."""
    folder = tmp_path / "there/cifar-10-batches-py"
    folder.mkdir(parents=True)
    published: dict[str, list[list[str]]] = {"train_list": [], "test_list": []}
    for part, name, n in (("train_list", "data_batch_1", 30), ("test_list", "test_batch", 20)):
        pixels = np.arange(n * 3072, dtype=np.uint64).reshape(n, 3072) % 251
        content = pickle.dumps({"data": pixels.astype(np.uint8), "labels": [i % 10 for i in range(n)]})
        (folder / name).write_bytes(content)
        published[part].append([name, md5(content, usedforsecurity=False).hexdigest()])
    meta = pickle.dumps({"label_names": list("abcdefghij")})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    for part, files in published.items():
        monkeypatch.setattr(torchvision.datasets.CIFAR10, part, files)
    found = {"filename": "batches.meta", "key": "label_names", "md5": md5(meta, usedforsecurity=False).hexdigest()}
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "meta", found)
    return tmp_path / "there"


def test_images_and_labels_are_read(root: Path) -> None:
    data = CIFAR10([3, 1], str(root))
    data.prepare_data()
    data.setup()
    x, y = data.training_set()
    assert x.shape == (6, 3, 32, 32)
    assert y.tolist() == [1, 0, 1, 0, 1, 0]
    # Channels come first in the file: pixel (row 1, column 2) of the second channel.
    assert round(float(x[0, 1, 1, 2]) * 255) == (3072 + 1024 + 32 + 2) % 251
    assert [data.test_set()[place][2] for place in range(4)] == [1, 0, 1, 0]


def test_training_images_are_shifted_and_mirrored(root: Path) -> None:
    data = CIFAR10(root=str(root))
    data.setup()
    x = torch.rand(3, 32, 32) / 2 + 0.5
    torch.manual_seed(0)
    mirrored = 0
    for _ in range(40):
        moved = data.augment(x)
        assert moved.shape == x.shape
        rows, columns = moved[0].amax(1).nonzero().flatten(), moved[0].amax(0).nonzero().flatten()
        assert min(len(rows), len(columns)) >= 28
        kept = moved[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        views = {
            flip: (x.flip(-1) if flip else x).unfold(1, kept.shape[1], 1).unfold(2, kept.shape[2], 1) for flip in (0, 1)
        }
        found = [flip for flip, view in views.items() if (view == kept[:, None, None]).all((0, 3, 4)).any()]
        assert len(found) == 1
        mirrored += found[0]
    assert 10 < mirrored < 30


def test_a_file_that_is_not_the_published_one_is_refused(root: Path) -> None:
    (root / "cifar-10-batches-py/test_batch").write_bytes(b"other")
    message = f"CIFAR10: root = {root}; must contain the published files: .*"
    with pytest.raises(ValueError, match=f"^{message} Place cifar-10-batches-py/.* SMOOTHING_DATA names$"):
        CIFAR10(root=str(root)).setup()


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: torchvision.datasets.CIFAR10) -> None:
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "download", download)
    with pytest.raises(ValueError, match=r"^CIFAR10: root = .*; cannot download to it: File not found or corrupted"):
        CIFAR10(root=str(tmp_path / "new")).prepare_data()


def test_all_of_it(data_root: Path) -> None:
    if not (data_root / "cifar-10-batches-py").is_dir():
        pytest.skip(f"no CIFAR-10 in SMOOTHING_DATA={data_root}")
    data = CIFAR10(every=20)
    data.prepare_data()
    data.setup()
    x, y = data.training_set()
    assert x.shape == (50000, 3, 32, 32)
    assert y.bincount().tolist() == [5000] * 10
    assert torch.allclose(x.mean((0, 2, 3)), torch.tensor([0.4914, 0.4822, 0.4465]), atol=1e-4)
    assert len(data.requested) == 500
