"""Dogfish."""

from collections.abc import Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path

from datamodules.image_files import File, ImageFiles, images, subfolders
from smoothing.arguments import at_least

DOGS = ("n02085620", "n02113978")
"""First and last folder of the dogs of ImageNet, which are adjacent in the order of names."""

FISH = (
    *("n01440764", "n01443537", "n01484850", "n01491361", "n01494475", "n01496331", "n01498041", "n02514041"),
    *("n02526121", "n02536864", "n02606052", "n02607072", "n02640242", "n02641379", "n02643566", "n02655020"),
)
"""Folders of the fish of ImageNet, including sharks and rays."""


class Dogfish(ImageFiles):
    """Dogs (0) against fish (1) from a copy of ImageNet: 1,800 training and 600 test images (Koh and Liang 2017).

    The images of each class are taken in turn from its folders ``<root>/train/<folder>/...``, one image per folder. The
    first images of each class are training images, the following ones are test images. The source is ImageNet: encoders
    that were trained on labels of ImageNet depend on the labels under attack. See `ImageFiles` for the preprocessing.

    Args:
        root: Folder of ImageNet, with one folder per class in ``train``.
        dogs: Folders of the dogs. The default is all breeds in ImageNet.
        fish: Folders of the fish. The default is all fish in ImageNet.
        training_each: Number of training images per class, at least 1.
        tests_each: Number of test images per class, at least 1.
        crop: Height and width of an image in pixels, at least 1.
        resize: Length of the shorter side before cropping, in pixels, at least ``crop``.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.

    Raises:
        ValueError: If an argument is out of range, a folder is absent or given twice, or a class has too few images.
    """

    source = "ImageNet"
    available = range(2)

    def __init__(
        self,
        root: str,
        dogs: Sequence[str] | None = None,
        fish: Sequence[str] = FISH,
        training_each: int = 900,
        tests_each: int = 300,
        crop: int = 224,
        resize: int = 256,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
    ) -> None:
        at_least(self, 1, training_each=training_each, tests_each=tests_each)
        there = subfolders(Path(root) / "train")
        self.kinds = {
            "dogs": [name for name in there if DOGS[0] <= name <= DOGS[1]] if dogs is None else dogs,
            "fish": fish,
        }
        for kind, folders in self.kinds.items():
            if not folders or set(folders) - set(there):
                missing = min(set(folders) - set(there), default="any")
                raise ValueError(f"Dogfish: {kind}: {root}/train has no folder {missing}; must have all folders")
        named = [name for folders in self.kinds.values() for name in folders]
        if len(set(named)) < len(named):
            twice = next(name for name in named if named.count(name) > 1)
            raise ValueError(f"Dogfish: folder {twice} is given twice; must be given once, for dogs or fish")
        super().__init__(root, self.available, crop, resize, batch_size, num_workers, every)
        self.assumptions += (
            "label flips stay within dogs and fish of ImageNet",
            "the images for training, chosen by label, stay the same when labels flip",
        )
        self.training_each = training_each
        self.tests_each = tests_each

    def files(self, train: bool) -> list[File]:
        """See `ImageFiles.files`."""
        needed = self.training_each + self.tests_each
        part = slice(self.training_each) if train else slice(self.training_each, needed)
        found = []
        for label, (kind, folders) in enumerate(self.kinds.items()):
            in_turn = chain.from_iterable(zip_longest(*(images(self.root / "train" / name) for name in folders)))
            paths = list(islice((path for path in in_turn if path is not None), needed))
            if len(paths) < needed:
                raise ValueError(f"Dogfish: {self.root} has {len(paths)} {kind}; must have {needed}")
            found += [(path, label) for path in paths[part]]
        return found
