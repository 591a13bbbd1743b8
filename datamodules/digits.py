"""Digits of scikit-learn."""

from collections.abc import Sequence

import torch
from sklearn.datasets import load_digits

from datamodules.base import DataModule, Examples


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
        bundle = load_digits()
        cut = 2 * len(bundle.target) // 3
        part = slice(cut) if train else slice(cut, None)
        images = torch.from_numpy(bundle.images[part]).float() / 16
        return images[:, None], torch.from_numpy(bundle.target[part])
