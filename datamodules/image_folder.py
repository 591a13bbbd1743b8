"""Images in one folder per class, as ImageNet comes."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader
from torchvision.transforms import v2

from datamodules.base import VALIDATION_EVERY, DataModule, Examples, Labelled, Numbered

TRAINING, TEST = "train", "val"
"""Folders of the two sets, by the names that ImageNet gave them."""

File = tuple[Path, int]
"""An image and its label."""


class ImageFolder(DataModule):
    """Image files ``<root>/train/<class>/...`` and ``<root>/val/<class>/...``; the latter are the test set.

    Images are read when they are asked for. The shorter side is made ``resize`` pixels long and the middle ``crop`` x
    ``crop`` cut out; for training, a random part of the image is, and mirrored half of the time (He et al. 2016).
    Classes are numbered in the order of their names.

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
        if not 1 <= crop <= resize:
            raise ValueError(f"ImageFolder: crop = {crop}; must be at least 1 and at most resize = {resize}")
        self.root = Path(root)
        self._names = _subfolders(self.root / TRAINING)
        if _subfolders(self.root / TEST) != self._names:
            raise ValueError(f"ImageFolder: root = {root}; {TRAINING} and {TEST} must hold the same folders")
        # Unlike other data sets, a folder tells only when it is read what it is.
        self.source = source or self.root.resolve().name  # type: ignore[misc]
        self.available = range(len(self._names))  # type: ignore[misc]
        super().__init__(self.available if classes is None else classes, batch_size, num_workers, every)
        self.crop = crop
        self.resize = resize
        scale = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.ToPureTensor()]
        self._middle = v2.Compose([v2.Resize(resize), v2.CenterCrop(crop), *scale])
        self._random = v2.Compose([v2.RandomResizedCrop(crop), v2.RandomHorizontalFlip(), *scale])
        self._files: dict[str, list[File]] = {}

    def setup(self, stage: str | None = None) -> None:
        """List the files of the chosen classes.

        Raises:
            ValueError: If a class has no training image.
        """
        for part in (TRAINING, TEST):
            folders = [self.root / part / self._names[number] for number in self.classes]
            self._files[part] = [(path, label) for label, folder in enumerate(folders) for path in _images(folder)]
        labels = {label for _, label in self._files[TRAINING]}
        for label, number in enumerate(self.classes):
            if label not in labels:
                folder = self.root / TRAINING / self._names[number]
                raise ValueError(f"ImageFolder: {folder} holds no image; must hold at least one")

    def load(self, train: bool) -> Examples:
        """All images of a part at once, cropped in the middle, ``(n, 3, crop, crop)`` float32, and class numbers."""
        part = _Files(self._files[TRAINING if train else TEST], self._middle)
        images, labels = zip(*(part[position] for position in range(len(part))), strict=True)
        return torch.stack(images), torch.tensor(labels)

    def training_set(self) -> Examples:
        """See `DataModule.training_set`; it has to fit into memory."""
        return self.load(train=True)

    def test_set(self) -> Dataset[Numbered]:
        """See `DataModule.test_set`; images are read when they are asked for."""
        return _NumberedFiles(_Files(self._files[TEST], self._middle))

    def fitting_set(self, validation: bool) -> Dataset[Labelled]:
        """See `DataModule.fitting_set`."""
        files = self._files[TRAINING]
        kept = [
            file
            for position, file in enumerate(files)
            if (position % VALIDATION_EVERY == VALIDATION_EVERY - 1) == validation
        ]
        return _Files(kept, self._middle if validation else self._random)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        return (3, self.crop, self.crop)

    def fingerprint(self) -> str:
        """SHA-256 over path, size and label of every file, in hexadecimal; pixels would take too long."""
        digest = hashlib.sha256()
        for path, label in (*self._files[TRAINING], *self._files[TEST]):
            digest.update(f"{path.relative_to(self.root).as_posix()} {path.stat().st_size} {label};".encode())
        return digest.hexdigest()


class _Files(Dataset[Labelled]):
    def __init__(self, files: Sequence[File], transform: Callable[[object], Tensor]) -> None:
        self._files = files
        self._transform = transform

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, position: int) -> Labelled:
        path, label = self._files[position]
        try:
            image = default_loader(str(path))
        except OSError as error:
            raise ValueError(f"ImageFolder: {path}; must be a readable image") from error
        return self._transform(image), label


class _NumberedFiles(Dataset[Numbered]):
    def __init__(self, files: _Files) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Numbered:
        return index, *self._files[index]


def _subfolders(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise ValueError(f"ImageFolder: {folder}; must be a folder with one folder per class")
    return sorted(inside.name for inside in folder.iterdir() if inside.is_dir())


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMG_EXTENSIONS)
