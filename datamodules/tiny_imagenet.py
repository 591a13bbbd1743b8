"""Tiny ImageNet."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.download import placing
from datamodules.image_files import File, ImageFiles, images
from smoothing.arguments import at_least
from smoothing.data_folder import data_root

FOLDER = "tiny-imagenet-200"
"""Folder of the original archive."""

LAYOUT = f"{FOLDER}/{{wnids.txt,train,val/images,val/val_annotations.txt}}"


class TinyImageNet(ImageFiles):
    """Photographs of 200 classes of 64 x 64 pixels: 500 training and 50 test images per class (Le and Yang 2015).

    The folder is that of the original archive. The test set is its folder ``val``; the labels of its folder ``test``
    are not published. Classes are numbered in the order of ``wnids.txt``. Training images are ordered by class, test
    images by their file in ``val_annotations.txt``.

    The images are small copies of images of ImageNet, which is therefore the source: encoders trained on ImageNet have
    seen them. See `ImageFiles` for the preprocessing.

    Args:
        root: Folder with ``tiny-imagenet-200``; by default the one that the environment variable ``SMOOTHING_DATA``
            names, or ``data``.
        classes: Numbers of the classes to keep, at least two, recoded to ``0 .. K-1`` in this order.
        training_each: Number of training images per class, the first by name, at least 1. Default: all.
        crop: Height and width of an image in pixels, at least 1.
        resize: Length of the shorter side before cropping, in pixels, at least ``crop``.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.

    Raises:
        ValueError: If an argument is out of range. `setup` raises it if a file is absent or damaged, or a class has too
            few images.
    """

    source = "ImageNet"
    layout = LAYOUT
    available = range(200)

    def __init__(
        self,
        root: str | None = None,
        classes: Sequence[int] = tuple(range(200)),
        training_each: int | None = None,
        crop: int = 64,
        resize: int = 64,
        batch_size: int = 128,
        num_workers: int = 0,
        every: int = 1,
    ) -> None:
        if training_each is not None:
            at_least(self, 1, training_each=training_each)
        super().__init__(str(data_root(root) / FOLDER), classes, crop, resize, batch_size, num_workers, every)
        self.training_each = training_each
        if training_each is not None:
            self.assumptions += ("the images for training, chosen by label, stay the same when labels flip",)

    def files(self, train: bool) -> list[File]:
        """See `ImageFiles.files`."""
        names = self._lines("wnids.txt")
        if len(set(names)) != len(self.available) or len(names) != len(self.available):
            raise ValueError(f"TinyImageNet: {self.root}/wnids.txt names {len(set(names))} classes; must name 200")
        labels = {names[number]: label for label, number in enumerate(self.classes)}
        return self._training(labels) if train else self._tests(labels, set(names))

    def _training(self, labels: dict[str, int]) -> list[File]:
        found = []
        for name, label in labels.items():
            inside = images(self.root / "train" / name / "images")
            needed = self.training_each or 1
            if len(inside) < needed:
                where = f"{self.root}/train/{name}/images"
                raise ValueError(f"TinyImageNet: {where} has {len(inside)} images; must have at least {needed}")
            found += [(path, label) for path in inside[: self.training_each]]
        return found

    def _tests(self, labels: dict[str, int], known: set[str]) -> list[File]:
        found = []
        for number, line in enumerate(self._lines("val/val_annotations.txt"), 1):
            file, *rest = line.split("\t")
            if not rest or rest[0] not in known or Path(file).name != file:
                where = f"{self.root}/val/val_annotations.txt, line {number}"
                raise ValueError(f"TinyImageNet: {where}; must be a file and a class of wnids.txt, separated by tabs")
            if rest[0] in labels:
                found.append((self.root / "val" / "images" / file, labels[rest[0]]))
        return found

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.root / name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ValueError(
                f"TinyImageNet: {self.root / name}; must be a readable file: {reason}. {placing(LAYOUT)}"
            ) from error
