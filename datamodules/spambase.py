"""Spambase."""

import csv
from typing import ClassVar

import torch
from torchvision.datasets.utils import download_and_extract_archive

from datamodules.base import Examples, data_root, downloading
from datamodules.features import FeatureModule

ARCHIVE = "https://archive.ics.uci.edu/static/public/94/spambase.zip"

COLUMNS = 58
"""57 numbers and the kind."""

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
        missing: Number that stands for an empty cell, at least 0; unless given, a file with one is refused. Copies
            are in use in which the second number of the first e-mail is gone.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        emails: How many the published file holds.
    """

    source = "Spambase"
    available = range(2)
    emails: ClassVar[int] = 4601

    def __init__(
        self,
        root: str = "data",
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
        missing: float | None = None,
    ) -> None:
        if missing is not None and not 0 <= missing < float("inf"):
            raise ValueError(f"Spambase: missing = {missing}; must be finite and at least 0")
        super().__init__(self.available, batch_size, num_workers, every, training, tests)
        self.root = data_root(root)
        self.missing = missing
        self._path = self.root / "spambase" / "spambase.data"

    def prepare_data(self) -> None:
        """Download what is absent.

        Raises:
            ValueError: If that fails.
        """
        if self._path.is_file():
            return
        with downloading(self.source, self.root):
            download_and_extract_archive(ARCHIVE, str(self.root), str(self._path.parent))

    def load(self, train: bool) -> Examples:
        """Numbers ``(n, 57)`` float64 and kinds ``(n,)``.

        Raises:
            ValueError: If the file is absent, unreadable or not whole, or a cell is empty and nothing stands for it.
        """
        try:
            with self._path.open(newline="") as file:
                lines = list(csv.reader(file))
            table = torch.tensor([[self._number(cell) for cell in line] for line in lines], dtype=torch.float64)
        except OSError as error:
            raise ValueError(f"Spambase: {self._path}; must be a readable file: {error.strerror}") from error
        except (ValueError, csv.Error) as error:
            raise ValueError(f"Spambase: {self._path}; must be rows of numbers: {error}") from error
        if table.shape != (self.emails, COLUMNS):
            found = f"{self._path} has shape {list(table.shape)}"
            raise ValueError(f"Spambase: {found}; must have {self.emails} rows of {COLUMNS} numbers")
        rows = table[(torch.arange(len(table)) % TEST_EVERY == TEST_EVERY - 1) != train]
        return rows[:, :-1], rows[:, -1]

    def _number(self, cell: str) -> float:
        if not cell and self.missing is None:
            raise ValueError("a cell is empty; must be filled, or missing say by what")
        return float(cell or self.missing)  # type: ignore[arg-type]
