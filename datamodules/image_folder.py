"""Images in one folder per class, as in ImageNet."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.image_files import File, ImageFiles, images, subfolders

TRAINING, TEST = "train", "val"
"""Folders of the two sets, named as in ImageNet."""


class ImageFolder(ImageFiles):
    """Image files ``<root>/train/<class>/...`` (training set) and ``<root>/val/<class>/...`` (test set).

    Classes are numbered in the order of their names. See `ImageFiles` for the preprocessing.

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
        self._names = subfolders(Path(root) / TRAINING)
        if subfolders(Path(root) / TEST) != self._names:
            raise ValueError(f"ImageFolder: root = {root}; {TRAINING} and {TEST} must contain the same folders")
        # Name and classes are known only after the folder is read.
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
                raise ValueError(f"ImageFolder: {folder} contains no image; must contain at least one")
            found += [(path, label) for path in inside]
        return found
