"""CIFAR-10."""

from collections.abc import Sequence

import torch
import torchvision
from torch import Tensor
from torchvision.transforms import v2

from datamodules.base import DataModule, Examples
from datamodules.download import downloading, placing
from smoothing.arguments import at_least
from smoothing.data_folder import data_root

LAYOUT = "cifar-10-batches-py/{data_batch_1,...,data_batch_5,test_batch,batches.meta}"


class CIFAR10(DataModule):
    """Photographs of ten classes: 50,000 training and 10,000 test images of 32 x 32 pixels (Krizhevsky 2009).

    Training images are shifted by up to ``padding`` pixels, with black beyond the edge, and mirrored with probability
    one half.

    Args:
        classes: Classes to keep, at least two. They are recoded to ``0 .. K-1`` in this order.
        root: Folder with ``cifar-10-batches-py``; by default the one that the environment variable
            ``SMOOTHING_DATA`` names, or ``data``. Absent files are downloaded to it.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set, for example ``"train[0:1000]"``; see `DataModule`.
        tests: Test set; see `DataModule`.
        padding: Largest shift in pixels, at least 0.
    """

    source = "CIFAR10"
    layout = LAYOUT
    available = range(10)

    def __init__(
        self,
        classes: Sequence[int] = tuple(range(10)),
        root: str | None = None,
        batch_size: int = 128,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
        padding: int = 4,
    ) -> None:
        at_least(self, 0, padding=padding)
        super().__init__(classes, batch_size, num_workers, every, training, tests)
        self.root = data_root(root)
        self._augment = v2.Compose([v2.RandomCrop(32, padding=padding), v2.RandomHorizontalFlip()])

    def prepare_data(self) -> None:
        """Download absent files.

        Raises:
            ValueError: If the download fails.
        """
        with downloading(self.source, self.root, LAYOUT):
            torchvision.datasets.CIFAR10(self.root, download=True)

    def load(self, train: bool) -> Examples:
        """Return images ``(n, 3, 32, 32)`` uint8 and classes ``(n,)``.

        Raises:
            ValueError: If a file is absent, unreadable or not the published file.
        """
        try:
            data = torchvision.datasets.CIFAR10(self.root, train=train)
        except (RuntimeError, OSError) as error:
            reason = f"CIFAR10: root = {self.root}; must contain the published files: {error}"
            raise ValueError(f"{reason.rstrip('.')}. {placing(LAYOUT)}") from error
        return torch.from_numpy(data.data).permute(0, 3, 1, 2), torch.tensor(data.targets)

    def augment(self, x: Tensor) -> Tensor:
        """See `DataModule.augment`."""
        augmented: Tensor = self._augment(x)
        return augmented
