"""Images in one folder per class, as ImageNet comes."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.image_files import File, ImageFiles, images, subfolders

TRAINING, TEST = "train", "val"
"""Folders of the two sets, by the names that ImageNet gave them."""


class ImageFolder(ImageFiles):
    """Image files ``<root>/train/<class>/...`` and ``<root>/val/<class>/...``; the latter are the test set.

    Classes are numbered in the order of their names. What is done to images: see `ImageFiles`.

    Args:
        root: The folder.
        classes: Numbers of the classes to keep, at least two, re-coded to ``0 .. K-1`` in this order; all unless given.
        crop: Height and width of an image, at least 1.
        resize: Length of the shorter side before cropping, at least ``crop``.
        batch_size: Examples per batch, at least 1.
        num_workers: Processes that load batches, at least 0.
        every: Certify every so many-th example of the test set, at least 1.
        source: Name of the data set that the images are of, by which what was trained on them is known; the folder's
            unless given.

    Raises:
        ValueError: If an argument is out of its range, or the folders are not there.
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
        self._names = subfolders(Path(root) / TRAINING)
        if subfolders(Path(root) / TEST) != self._names:
            raise ValueError(f"ImageFolder: root = {root}; {TRAINING} and {TEST} must hold the same folders")
        # Unlike other data sets, a folder tells only when it is read what it is.
        self.source = source or Path(root).resolve().name  # type: ignore[misc]
        self.available = range(len(self._names))  # type: ignore[misc]
        chosen = self.available if classes is None else classes
        super().__init__(root, chosen, crop, resize, batch_size, num_workers, every)

    def files(self, train: bool) -> list[File]:
        """See `ImageFiles.files`."""
        found = []
        for label, number in enumerate(self.classes):
            folder = self.root / (TRAINING if train else TEST) / self._names[number]
            inside = images(folder)
            if train and not inside:
                raise ValueError(f"ImageFolder: {folder} holds no image; must hold at least one")
            found += [(path, label) for path in inside]
        return found
