"""Digits of scikit-learn."""

import gzip
from collections.abc import Sequence

import numpy as np
import torch

from datamodules.base import DataModule, Examples
from smoothing.lazy import package_file


class Digits(DataModule):
    """Scans of handwritten digits from scikit-learn: 1,797 images of 8 x 8 pixels, without download.

    The training set is the first two thirds in the order of scikit-learn, which does not depend on labels. Optical
    recognition of handwritten digits, UCI Machine Learning Repository (Alpaydin and Kaynak 1998).

    Args:
        classes: Digits to keep, at least two. They are recoded to ``0 .. K-1`` in this order.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set, for example ``"train[0:1000]"``; see `DataModule`.
        tests: Test set; see `DataModule`.
    """

    source = "Digits"
    available = range(10)

    def __init__(
        self,
        classes: Sequence[int] = tuple(range(10)),
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__(classes, batch_size, num_workers, every, training, tests)

    def load(self, train: bool) -> Examples:
        """Return images ``(n, 1, 8, 8)`` float32 within [0, 1] and digits ``(n,)``."""
        # Read without scikit-learn, which takes longer to import than a run takes to certify.
        path = package_file("sklearn", "datasets", "data", "digits.csv.gz")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = torch.from_numpy(np.loadtxt(file, delimiter=","))
        cut = 2 * len(rows) // 3
        part = rows[:cut] if train else rows[cut:]
        return part[:, :-1].float().reshape(-1, 1, 8, 8) / 16, part[:, -1].long()
