"""A part of CIFAR-10 and the test digits of MNIST in a small folder, for a machine without the data sets.

``python -m benchmarks.accelerator.part --root DATA --to FOLDER`` writes the first images of CIFAR-10 and copies MNIST.
"""

import argparse
import gzip
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules import CIFAR10

FILE = "cifar10_part.npz"
DIGITS = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


class CIFAR10Part(CIFAR10):
    """The first images of the published training and test sets.

    Args:
        folder: Folder with the part.
        batch_size: Examples per batch.
    """

    def __init__(self, folder: Path, batch_size: int = 128) -> None:
        with np.load(folder / FILE) as part:
            self._part_of = {
                train: (torch.from_numpy(part[f"{name}_images"]), torch.from_numpy(part[f"{name}_labels"]).long())
                for train, name in ((True, "train"), (False, "test"))
            }
        train, test = (len(self._part_of[which][1]) for which in (True, False))
        super().__init__(batch_size=batch_size, training=f"train[0:{train}]", tests=f"test[0:{test}]")

    def prepare_data(self) -> None:
        """Download nothing."""

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return images ``(n, 3, 32, 32)`` uint8 and classes ``(n,)``."""
        return self._part_of[train]


def digits(folder: Path) -> tuple[Tensor, Tensor]:
    """Return the published test digits, ``(10000, 1, 28, 28)`` float32 within [0, 1], and their classes."""
    images, labels = (gzip.decompress((folder / "MNIST" / "raw" / name).read_bytes()) for name in DIGITS)
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    y = np.frombuffer(labels, np.uint8, offset=8)
    return torch.from_numpy(x.astype(np.float32) / 255), torch.from_numpy(y.astype(np.int64))


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder with cifar-10-batches-py and MNIST")
    parser.add_argument("--to", type=Path, required=True, help="folder to write")
    parser.add_argument("--train", type=int, default=12_000, help="number of training images")
    parser.add_argument("--test", type=int, default=2_000, help="number of test images")
    given = parser.parse_args()
    whole = CIFAR10(root=str(given.root))
    arrays = {}
    for train, name, count in ((True, "train", given.train), (False, "test", given.test)):
        x, y = whole.load(train)
        arrays |= {f"{name}_images": x[:count].contiguous().numpy(), f"{name}_labels": y[:count].numpy()}
    raw = given.to / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(given.to / FILE, **arrays)
    for name in DIGITS:
        shutil.copyfile(given.root / "MNIST" / "raw" / name, raw / name)
    print(f"{given.to / FILE}: {(given.to / FILE).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
