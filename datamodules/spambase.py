"""Spambase."""

import hashlib
import io
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torchvision.datasets.utils import download_and_extract_archive

from datamodules.base import Examples
from datamodules.download import downloading, placing
from datamodules.features import FeatureModule
from smoothing.arguments import refuse
from smoothing.data_folder import data_root

ARCHIVE = "https://archive.ics.uci.edu/static/public/94/spambase.zip"

LAYOUT = "spambase/spambase.data"

MD5 = "2e66f086f61a3af28ddb96a82dcb0297"
"""MD5 of the published file with line feeds as line endings. Copies differ in their line endings."""

TEST_EVERY = 5
"""Stride of test e-mails: every fifth e-mail by position is in the test set."""


WORDS = 48
"""Number of columns that are percentages of words: the first ones."""

Words = Literal["percentages", "present"]


class Spambase(FeatureModule):
    """Word and character counts of 4,601 e-mails, ordinary (0) or spam (1) (Hopkins et al. 1999, UCI).

    Each e-mail has 57 numbers: percentages of words and characters, and lengths of runs of capital letters. There is no
    published split. Every fifth e-mail by position is in the test set, whatever its label.

    With ``words="present"`` the table has categorical and real columns: the first 48 are 1 if the word is in the e-mail
    and 0 otherwise, and the other nine are ``log(1 + x)``. Nothing is computed from more than one e-mail.

    Args:
        root: Folder with ``spambase/spambase.data``; by default the one that the environment variable
            ``SMOOTHING_DATA`` names, or ``data``. An absent file is downloaded to it.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set; see `DataModule`. The file is sorted by label.
        tests: Test set; see `DataModule`.
        words: ``"percentages"`` as in the file, or ``"present"``.

    Raises:
        ValueError: If an argument is out of range.

    Attributes:
        published: MD5 of the published file; see `MD5`.
    """

    source = "Spambase"
    layout = LAYOUT
    available = range(2)
    published: ClassVar[str] = MD5

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
        words: Words = "percentages",
    ) -> None:
        if words not in get_args(Words):
            refuse(self, "words", words, f"one of {', '.join(get_args(Words))}")
        super().__init__(self.available, batch_size, num_workers, every, training, tests)
        self.words = words
        self.root = data_root(root)
        self._path = self.root / "spambase" / "spambase.data"

    def prepare_data(self) -> None:
        """Download the file if it is absent.

        Raises:
            ValueError: If the download fails.
        """
        if self._path.is_file():
            return
        with downloading(self.source, self.root, LAYOUT):
            download_and_extract_archive(ARCHIVE, str(self.root), str(self._path.parent))

    def load(self, train: bool) -> Examples:
        """Return numbers ``(n, 57)`` float64 and labels ``(n,)``.

        Raises:
            ValueError: If the file is absent, unreadable or not the published file.
        """
        try:
            content = self._path.read_bytes().replace(b"\r\n", b"\n")
        except OSError as error:
            reason = f"Spambase: {self._path}; must be a readable file: {error.strerror}"
            raise ValueError(f"{reason}. {placing(LAYOUT)}") from error
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != self.published:
            raise ValueError(f"Spambase: {self._path}; its MD5 must be {self.published}, that of the published file")
        table = torch.from_numpy(np.loadtxt(io.BytesIO(content), delimiter=",", ndmin=2))
        rows = table[(torch.arange(len(table)) % TEST_EVERY == TEST_EVERY - 1) != train]
        x, labels = rows[:, :-1], rows[:, -1]
        if self.words == "present":
            x = torch.cat([(x[:, :WORDS] > 0).to(x), x[:, WORDS:].log1p()], 1)
        return x, labels
