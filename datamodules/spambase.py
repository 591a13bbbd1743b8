"""Spambase."""

import os
from typing import ClassVar
from urllib.error import URLError

import numpy as np
import torch
from torchvision.datasets.utils import check_integrity, download_and_extract_archive

from datamodules.base import Examples, data_root
from datamodules.features import FeatureModule

ARCHIVE = "https://archive.ics.uci.edu/static/public/94/spambase.zip"

TEST_EVERY = 5
"""Every fifth e-mail, by position, is in the test set."""


class Spambase(FeatureModule):
    """Counts of words and characters in 4,601 e-mails, ordinary (0) or spam (1) (Hopkins et al. 1999, UCI).

    57 numbers each: shares of words and characters in per cent, and lengths of runs of capitals. There is no published
    split: every fifth e-mail by position is in the test set, whatever its label.

    Args:
        root: Folder that holds ``spambase/spambase.data``; the environment variable ``SMOOTHING_DATA`` goes before it.
            What is absent is downloaded there.
        batch_size: Examples per batch, at least 1.
        num_workers: Processes that load batches, at least 0.
        every: Certify every so many-th example of the test set, at least 1.
        training: What serves as the training set; see `DataModule`. The file is sorted by label.
        tests: What serves as the test set; see `DataModule`.

    Attributes:
        md5: Of the published file.
    """

    source = "Spambase"
    available = range(2)
    md5: ClassVar[str] = "a59298edd9d6cf673df2278e50ea0ecc"

    def __init__(
        self,
        root: str = "data",
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__(self.available, batch_size, num_workers, every, training, tests)
        self.root = data_root(root)
        self._path = self.root / "spambase" / "spambase.data"

    def prepare_data(self) -> None:
        """Download what is absent.

        Raises:
            ValueError: If that fails.
        """
        if self._path.is_file():
            return
        try:
            download_and_extract_archive(ARCHIVE, str(self.root), str(self._path.parent))
        except (RuntimeError, URLError, OSError) as error:
            raise ValueError(f"Spambase: root = {self.root}; cannot download to it: {error}") from error

    def load(self, train: bool) -> Examples:
        """Numbers ``(n, 57)`` float64 and kinds ``(n,)``.

        Raises:
            ValueError: If the file is absent, unreadable or not the published one.
        """
        if not os.access(self._path, os.R_OK):
            raise ValueError(f"Spambase: {self._path}; must be a readable file")
        if not check_integrity(str(self._path), self.md5):
            raise ValueError(f"Spambase: {self._path}; its MD5 must be {self.md5}, that of the published file")
        table = torch.from_numpy(np.loadtxt(self._path, delimiter=",", ndmin=2))
        rows = table[(torch.arange(len(table)) % TEST_EVERY == TEST_EVERY - 1) != train]
        return rows[:, :-1], rows[:, -1].long()
