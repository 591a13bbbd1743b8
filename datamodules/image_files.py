"""Base class of data modules with image files."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader
from torchvision.transforms import v2

from datamodules.base import VALIDATION_EVERY, DataModule, Examples, Labelled, Numbered
from datamodules.file_hashes import file_hashes
from smoothing.arguments import at_least

File = tuple[Path, int]
"""Path and label of an image."""


class ImageFiles(DataModule):
    """A data set of image files in one folder. Images are read on access.

    The shorter side of an image is resized to ``resize`` pixels, and the central ``crop`` x ``crop`` pixels are used.
    For the training of networks, random crops are used and mirrored with probability one half (He et al. 2016).

    A new data set is a subclass with `files`.

    Args:
        root: The folder.
        classes: Numbers of the classes to keep, at least two. They are recoded to ``0 .. K-1`` in this order.
        crop: Height and width of an image in pixels, at least 1.
        resize: Length of the shorter side before cropping, in pixels, at least ``crop``.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    sorted_by_label = True

    def __init__(
        self,
        root: str,
        classes: Sequence[int],
        crop: int,
        resize: int,
        batch_size: int,
        num_workers: int,
        every: int,
    ) -> None:
        if not 1 <= crop <= resize:
            raise ValueError(f"{type(self).__name__}: crop = {crop}; must be at least 1 and at most resize = {resize}")
        at_least(self, 1, crop=crop, resize=resize)
        self.root = Path(root)
        super().__init__(classes, batch_size, num_workers, every)
        self.crop = crop
        self.resize = resize
        scale = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.ToPureTensor()]
        self._middle = v2.Compose([v2.Resize(resize), v2.CenterCrop(crop), *scale])
        self._random = v2.Compose([v2.RandomResizedCrop(crop), v2.RandomHorizontalFlip(), *scale])
        self._files: dict[bool, list[File]] = {}

    @abstractmethod
    def files(self, train: bool) -> list[File]:
        """Return the files of the training or the test set, with labels in ``0 .. K-1``. No image is read.

        Raises:
            ValueError: If a class has too few files.
        """

    def setup(self, stage: str | None = None) -> None:
        """List the files.

        Raises:
            ValueError: If a class has no training image.
        """
        self._files = {train: self.files(train) for train in (True, False)}

    def load(self, train: bool) -> Examples:
        """Return all images of a set, cropped at the centre, ``(n, 3, crop, crop)`` float32, and labels ``(n,)``."""
        part = _Files(self._files[train], self._middle)
        images, labels = zip(*(part[position] for position in range(len(part))), strict=True)
        return torch.stack(images), torch.tensor(labels)

    def training_set(self) -> Examples:
        """See `DataModule.training_set`. The set must fit into memory."""
        return self.load(train=True)

    def test_set(self) -> Dataset[Numbered]:
        """See `DataModule.test_set`. Images are read on access."""
        return _NumberedFiles(_Files(self._files[False], self._middle))

    def fitting_set(self, validation: bool) -> Dataset[Labelled]:
        """See `DataModule.fitting_set`."""
        files = self._files[True]
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
        """Return the SHA-256 of path, label and content of every file, in hexadecimal; see `file_hashes`."""
        digest = hashlib.sha256()
        for train in (True, False):
            files = self._files[train]
            hashes = file_hashes(self.root, [path for path, _ in files])
            for (path, label), content in zip(files, hashes, strict=True):
                digest.update(f"{train} {path.relative_to(self.root).as_posix()} {label} {content};".encode())
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
        except Exception as error:  # damaged files raise many types of exceptions
            raise ValueError(f"{path}; must be a readable image") from error
        return self._transform(image), label


class _NumberedFiles(Dataset[Numbered]):
    def __init__(self, files: _Files) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Numbered:
        return index, *self._files[index]


def subfolders(folder: Path) -> list[str]:
    """Return the sorted names of the folders in a folder.

    Raises:
        ValueError: If the folder does not exist.
    """
    if not folder.is_dir():
        layout = f"{folder.name}/<class>/<image>"
        raise ValueError(
            f"{folder}; must be a folder with one folder per class. Place {layout} in the folder that --data.root names"
        )
    return sorted(inside.name for inside in folder.iterdir() if inside.is_dir())


def images(folder: Path) -> list[Path]:
    """Return the sorted paths of all images in a folder and its subfolders."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMG_EXTENSIONS)
