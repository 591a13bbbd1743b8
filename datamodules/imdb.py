"""IMDB."""

import csv
from pathlib import Path
from typing import ClassVar

import torch
from torchvision.datasets.utils import download_and_extract_archive

from datamodules.base import Examples
from datamodules.download import downloading, placing
from datamodules.texts import TextModule, to_bytes
from smoothing.data_folder import data_root
from smoothing.files import draft

ARCHIVE = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
ARCHIVE_MD5 = "7c2ac02c03563afcf9b574c7e56c153a"

LAYOUT = "imdb/{imdb_train.csv,imdb_test.csv}"

COLUMNS = ("label", "id", "rating", "text")


class IMDB(TextModule):
    """Film reviews, negative (0) or positive (1): 25,000 training and 25,000 test reviews (Maas et al. 2011).

    Args:
        root: Folder with ``imdb/imdb_train.csv`` and ``imdb/imdb_test.csv`` with the columns label, id, rating
            and text; by default the one that the environment variable ``SMOOTHING_DATA`` names, or ``data``. Absent
            files are downloaded to it.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set; see `DataModule`. The files are sorted by label.
        tests: Test set; see `DataModule`.

    Attributes:
        reviews: Number of reviews in each set.
    """

    source = "IMDB"
    layout = LAYOUT
    available = range(2)
    reviews: ClassVar[int] = 25000

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__(self.available, batch_size, num_workers, every, training, tests)
        self.root = data_root(root)

    def prepare_data(self) -> None:
        """Download absent files and convert them to the format of `load`.

        Raises:
            ValueError: If the download fails.
        """
        if all(self._path(train).is_file() for train in (True, False)):
            return
        with downloading(self.source, self.root, LAYOUT):
            download_and_extract_archive(ARCHIVE, str(self.root), md5=ARCHIVE_MD5)
            for train in (True, False):
                self._convert(self.root / "aclImdb", train)

    def load(self, train: bool) -> Examples:
        """Return reviews ``(n, bytes)`` uint8 and sentiments ``(n,)``, in the order of the file.

        Raises:
            ValueError: If the file is absent, unreadable or incomplete.
        """
        path = self._path(train)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, strict=True))
        except OSError as error:
            raise ValueError(f"IMDB: {path}; must be a readable file: {error.strerror}. {placing(LAYOUT)}") from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"IMDB: {path}; must be a complete CSV file: {error}") from error
        if not rows or tuple(rows[0]) != COLUMNS or any(None in row.values() for row in rows):
            raise ValueError(f"IMDB: {path}; must have the columns {', '.join(COLUMNS)} in every line")
        if len(rows) != self.reviews:
            raise ValueError(f"IMDB: {path} has {len(rows)} reviews; must have {self.reviews}, as published")
        if unknown := {row["label"] for row in rows} - {"0", "1"}:
            raise ValueError(f"IMDB: {path} has label {min(unknown)}; must be 0 or 1")
        return to_bytes([row["text"] for row in rows]), torch.tensor([int(row["label"]) for row in rows])

    def _path(self, train: bool) -> Path:
        return self.root / "imdb" / f"imdb_{'train' if train else 'test'}.csv"

    def _convert(self, archive: Path, train: bool) -> None:
        path = self._path(train)
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path) as made, made.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for label, name in enumerate(("neg", "pos")):
                folder = archive / ("train" if train else "test") / name
                # Files are named <id>_<rating>.txt.
                for review in sorted(folder.glob("*.txt"), key=lambda found: int(found.stem.partition("_")[0])):
                    number, _, rating = review.stem.partition("_")
                    table.writerow([label, number, rating, review.read_text(encoding="utf-8")])
