"""MNIST."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torchvision
from torchvision.datasets.utils import check_integrity

from datamodules.base import DataModule, Examples
from datamodules.download import downloading, placing
from smoothing.data_folder import data_root

PUBLISHED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MD5 of the unpacked published files."""


class MNIST(DataModule):
    """Handwritten digits: 60,000 training and 10,000 test images of 28 x 28 pixels (LeCun et al. 1998).

    Args:
        classes: Digits to keep, at least two. They are recoded to ``0 .. K-1`` in this order.
        root: Folder with ``MNIST/raw``; by default the one that the environment variable ``SMOOTHING_DATA``
            names, or ``data``. Absent files are downloaded to it.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set, for example ``"train[0:1000]"``; see `DataModule`.
        tests: Test set; see `DataModule`.

    Attributes:
        archive: Class of the data set in torchvision.
        published: MD5 of the files.
    """

    source = "MNIST"
    layout = f"MNIST/raw/{{{','.join(PUBLISHED)}}}"
    available = range(10)
    archive: ClassVar[type[torchvision.datasets.MNIST]] = torchvision.datasets.MNIST
    published: ClassVar[Mapping[str, str]] = PUBLISHED

    def __init__(
        self,
        classes: Sequence[int] = tuple(range(10)),
        root: str | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__(classes, batch_size, num_workers, every, training, tests)
        self.root = data_root(root)
        self._raw = self.root / self.source / "raw"

    def prepare_data(self) -> None:
        """Download absent files.

        Raises:
            ValueError: If the download fails.
        """
        if all((self._raw / name).is_file() for name in self.published):
            return
        with downloading(self.source, self.root, self.layout):
            self.archive(self.root, download=True)

    def load(self, train: bool) -> Examples:
        """Return images ``(n, 1, 28, 28)`` uint8 and digits ``(n,)``.

        Raises:
            ValueError: If a file is absent, unreadable or not the published file.
        """
        for name, md5 in self.published.items():
            self._check(name, md5)
        try:
            data = self.archive(self.root, train=train)
        except (RuntimeError, ValueError, AssertionError, IndexError, KeyError) as error:
            raise ValueError(f"{self.source}: root = {self.root}; must contain complete files: {error}") from error
        return data.data[:, None], data.targets

    def _check(self, name: str, md5: str) -> None:
        """Raise if a file is absent or not the published file."""
        self._check_readable(self._raw / name)
        if not check_integrity(self._raw / name, md5):
            raise ValueError(f"{self.source}: {self._raw / name}; its MD5 must be {md5}, that of the published file")

    def _check_readable(self, path: Path) -> None:
        if not os.access(path, os.R_OK):
            raise ValueError(f"{self.source}: {path}; must be a readable file. {placing(self.layout)}")
