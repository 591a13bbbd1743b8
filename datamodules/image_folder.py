"""Images in one folder per class, as in ImageNet."""

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import Dataset

from datamodules.base import Examples, Labelled
from datamodules.image_files import File, ImageFiles, images, subfolders

TRAINING, TEST = "train", "val"
"""Folders of the two sets, named as in ImageNet."""


class ImageFolder(ImageFiles):
    """Image files ``<root>/train/<class>/...`` (training set) and ``<root>/val/<class>/...`` (test set).

    Classes are numbered in the order of their names. See `ImageFiles` for the preprocessing. The folder ``train`` may
    be absent: networks that are already trained need no training set.

    Args:
        root: The folder.
        classes: Numbers of the classes to keep, at least two, recoded to ``0 .. K-1`` in this order. Default: all.
        crop: Height and width of an image in pixels, at least 1.
        resize: Length of the shorter side before cropping, in pixels, at least ``crop``.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        source: Name of the data set of the images, which identifies encoders that were trained on it. The default is
            the name of the folder.

    Raises:
        ValueError: If an argument is out of range, or a folder is absent.
    """

    def __init__(
        self,
        root: str,
        classes: Sequence[int] | None = None,
        crop: int = 224,
        resize: int = 256,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        source: str | None = None,
    ) -> None:
        folders = [Path(root, part) for part in (TRAINING, TEST)]
        # Without either folder, the message names the first.
        self._trains = folders[0].exists() or not folders[1].exists()
        self._names = subfolders(folders[0 if self._trains else 1])
        if self._trains and subfolders(folders[1]) != self._names:
            raise ValueError(f"ImageFolder: root = {root}; {TRAINING} and {TEST} must contain the same folders")
        # Name and classes are known only after the folder is read.
        self.source = source or Path(root).resolve().name  # type: ignore[misc]
        self.available = range(len(self._names))  # type: ignore[misc]
        chosen = self.available if classes is None else classes
        super().__init__(root, chosen, crop, resize, batch_size, num_workers, every)

    def training_set(self) -> Examples:
        """See `ImageFiles.training_set`."""
        self._need_training_set()
        return super().training_set()

    def fitting_set(self, validation: bool) -> Dataset[Labelled]:
        """See `ImageFiles.fitting_set`."""
        self._need_training_set()
        return super().fitting_set(validation)

    def _need_training_set(self) -> None:
        if not self._trains:
            raise ValueError(
                f"ImageFolder: root = {self.root} has no folder {TRAINING}; must have one, unless networks are already "
                "trained"
            )

    def files(self, train: bool) -> list[File]:
        """See `ImageFiles.files`. There is no training file if there is no training set."""
        if train and not self._trains:
            return []
        found = []
        for label, number in enumerate(self.classes):
            folder = self.root / (TRAINING if train else TEST) / self._names[number]
            inside = images(folder)
            if train and not inside:
                raise ValueError(f"ImageFolder: {folder} contains no image; must contain at least one")
            found += [(path, label) for path in inside]
        return found
