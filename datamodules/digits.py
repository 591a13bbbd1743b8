"""The embedded data set."""

from collections.abc import Sequence

import torch
from sklearn.datasets import load_digits

from datamodules.base import DataModule, Examples


class Digits(DataModule):
    """Scans of handwritten digits that come with scikit-learn: 1,797 images of 8 x 8 pixels, nothing to download.

    In the order of the bundle, which is free of labels, the first two thirds are the training set. Optical
    recognition of handwritten digits, UCI Machine Learning Repository (Alpaydin and Kaynak 1998).

    Args:
        classes: Digits to keep, at least two; they are re-coded to ``0 .. K-1`` in this order.
        batch_size: Examples per batch, at least 1.
        num_workers: Processes that load batches, at least 0.
        every: Certify every so many-th example of the test set, at least 1.
        training: What serves as the training set, for example ``"train[0:1000]"``; see `DataModule`.
        tests: What serves as the test set; see `DataModule`.
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
        """Images ``(n, 1, 8, 8)`` float32 within [0, 1] and digits ``(n,)``."""
        bundle = load_digits()
        cut = 2 * len(bundle.target) // 3
        part = slice(cut) if train else slice(cut, None)
        images = torch.from_numpy(bundle.images[part]).float() / 16
        return images[:, None], torch.from_numpy(bundle.target[part])
