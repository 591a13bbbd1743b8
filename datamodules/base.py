"""Base class of data modules: a training set, which may be under attack, and a test set to certify."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import index
from typing import ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from smoothing.arguments import at_least
from smoothing.certificates.ranks import RankShare
from smoothing.provenance.origin import PARTS, Origin
from smoothing.votes.reads import Reads

VALIDATION_EVERY = 10
"""Stride of validation examples: every tenth training example by position is used for validation."""

Examples = tuple[Tensor, Tensor]
"""Inputs ``(n, ...)`` and their classes ``(n,)`` int64."""

Labelled = tuple[Tensor, int]
"""Input, label."""

Numbered = tuple[int, Tensor, int]
"""Position in the test set, input, label."""


class DataModule(pl.LightningDataModule, ABC):
    """A data set, restricted to some of its classes.

    A new data set is a subclass with `source`, `available` and `load`. It overrides `prepare_data` if files can be
    downloaded, and `augment` if training uses augmented inputs. The position of an example, never its label, determines
    the set that contains it (THEORY.md 4.5).

    Args:
        classes: Numbers of the classes to keep, at least two. They are recoded to ``0 .. K-1`` in this order.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, starting at the first, at least 1.
        training: Training set: ``"train"`` or ``"test"`` for a published set, or a part of it by position, such as
            ``"train[0:2000]"``.
        tests: Test set, in the same form. It shares no example with the training set.

    Raises:
        ValueError: If an argument is out of range. `setup` raises it if a class has no training example, or if a part
            exceeds its set.

    Attributes:
        source: Name of the data set. Variants of one data set share it.
        origin: Examples in the training set.
        available: Numbers of all classes of the data set.
        layout: Files of a published data set within its folder, as `placing` shows them; None if it has no fixed place.
        sorted_by_label: Whether labels determine the positions of examples, as in folders of classes. Functions of the
            position then depend on the labels under attack, and certificates assume that positions stay the same.
        reads: What an input without an encoder reads of the training set (THEORY.md section 8).
        num_classes: Number of classes K, at least 2.
        assumptions: Assumptions of certificates on this data set, one phrase each.
    """

    source: ClassVar[str]
    available: ClassVar[Sequence[int]]
    layout: ClassVar[str | None] = None
    sorted_by_label: ClassVar[bool] = False
    reads: ClassVar[Reads] = "own example only"

    def __init__(
        self,
        classes: Sequence[int],
        batch_size: int,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        try:
            chosen = [index(number) for number in classes]
        except TypeError:
            raise ValueError(f"{name}: classes = {classes!r}; must be a list of whole numbers") from None
        unknown = sorted(set(chosen) - set(self.available))
        if unknown:
            raise ValueError(f"{name}: classes = {chosen}; {unknown[0]} is not one of {list(self.available)}")
        if len(set(chosen)) < len(chosen) or len(chosen) < 2:
            raise ValueError(f"{name}: classes = {chosen}; must be at least two, without duplicates")
        at_least(self, 1, batch_size=batch_size, every=every)
        at_least(self, 0, num_workers=num_workers)
        self.classes = tuple(chosen)
        self.num_classes = len(chosen)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.every = every
        within = f"label flips stay within the classes {', '.join(map(str, chosen))} of {self.source}"
        self.assumptions: tuple[str, ...] = (within,) if len(chosen) < len(self.available) else ()
        if self.sorted_by_label:
            self.assumptions += ("examples keep their places, which go by label, when labels flip",)
        self.training = self._part("training", training)
        self.tests = self._part("tests", tests)
        if self.training.overlaps(self.tests):
            raise ValueError(f"{name}: tests = {tests}; must share no example with training = {training}")
        self._sets: tuple[Examples, Examples] | None = None

    @abstractmethod
    def load(self, train: bool) -> Examples:
        """Read the whole training or test set.

        Returns:
            Inputs ``(n, ...)``, as accepted by `scaled`, and class numbers ``(n,)``.

        Raises:
            ValueError: If a file cannot be read, naming the file.
        """

    def augment(self, x: Tensor) -> Tensor:
        """Return a random augmentation of a training input. The default is the input."""
        return x

    def scaled(self, x: Tensor) -> Tensor:
        """Convert inputs to the scale of examples: by default float32 within [0, 1].

        Integers are divided by the largest value of their type.

        Args:
            x: Inputs ``(n, ...)`` from `load`.

        Raises:
            ValueError: If a value is out of range.
        """
        inputs = x
        if x.dtype != torch.float32:
            # Imported here, since the transforms take longer to import than small data sets to load.
            from torchvision.transforms.v2.functional import to_dtype

            inputs = to_dtype(x, torch.float32, scale=True)
        if len(inputs) and not (inputs.min() >= 0 and inputs.max() <= 1):
            found = f"values from {inputs.min():.4g} to {inputs.max():.4g}"
            raise ValueError(f"{type(self).__name__}: {found} found; must be within [0, 1]")
        return inputs

    def setup(self, stage: str | None = None) -> None:
        """Read both sets and select the examples of the chosen classes."""
        if self._sets is None:
            published = {name: self.load(name == PARTS[0]) for name in {self.training.part, self.tests.part}}
            for x, y in published.values():
                if len(x) != len(y):
                    raise ValueError(f"{type(self).__name__}: {len(x)} inputs and {len(y)} labels; must be equal")
            self._sets = self._cut(published, self.training), self._cut(published, self.tests)
            counts = self._sets[0][1].bincount(minlength=self.num_classes)
            if not counts.all():
                empty = self.classes[int(counts.argmin())]
                raise ValueError(f"{type(self).__name__}: class {empty} has no training example; must have at least 1")

    def training_set(self) -> Examples:
        """Return inputs ``(n, ...)``, as returned by `scaled`, and labels ``(n,)`` int64 in ``0 .. K-1``."""
        return self._loaded[0]

    def test_set(self) -> Dataset[Numbered]:
        """Return the test set. Each item is a position, an input and a label."""
        return _Numbered(*self._loaded[1])

    @property
    def origin(self) -> Origin:
        """Examples in the training set."""
        kept = None if len(self.classes) == len(self.available) else self.classes
        return replace(self.training, classes=kept)

    @property
    def requested(self) -> Sequence[int]:
        """Positions in the test set of the requested examples."""
        return range(0, len(self.test_set()), self.every)  # type: ignore[arg-type]  # every test set has a length

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self._loaded[0][0].shape[1:])

    def fingerprint(self) -> str:
        """Return the SHA-256 of shape, type and bytes of training and test set, in hexadecimal."""
        digest = hashlib.sha256()
        for tensor in (*self._loaded[0], *self._loaded[1]):
            digest.update(f"{tuple(tensor.shape)} {tensor.dtype};".encode())
            digest.update(tensor.numpy().data)
        return digest.hexdigest()

    def fitting_set(self, validation: bool) -> Dataset[Labelled]:
        """Return training examples for `fit`: every tenth for validation, or all others, augmented."""
        x, y = self.training_set()
        kept = (torch.arange(len(y)) % VALIDATION_EVERY == VALIDATION_EVERY - 1) == validation
        return _Fitting(x[kept], y[kept], None if validation else self.augment)

    def train_dataloader(self) -> DataLoader[Labelled]:
        """Return batches ``(x, label)`` of shuffled training examples for `fit`, without validation examples.

        The order is a function of seed and epoch, so that a resumed training continues in the same order.
        """
        part = self.fitting_set(validation=False)
        rank, ranks = self._rank
        seed = int(os.environ.get("PL_GLOBAL_SEED", 0))
        order: DistributedSampler[Labelled] = DistributedSampler(part, ranks, rank, seed=seed)
        return DataLoader(part, batch_size=self.batch_size, sampler=order, num_workers=self.num_workers)

    def val_dataloader(self) -> DataLoader[Labelled]:
        """Return batches ``(x, label)`` of validation examples for `fit`: a part of the training set."""
        part = self.fitting_set(validation=True)
        return DataLoader(part, batch_size=self.batch_size, num_workers=self.num_workers)

    def predict_dataloader(self) -> DataLoader[Numbered]:
        """Return batches ``(index, x, label)`` of this rank's share of the requested examples."""
        return self.batches(self.requested, *self._rank)

    def batches(self, positions: Sequence[int], rank: int, ranks: int) -> DataLoader[Numbered]:
        """Return batches ``(index, x, label)`` of one rank's share of the test examples at some positions.

        Args:
            positions: Positions in the test set.
            rank: Index of the rank.
            ranks: Number of ranks.
        """
        test = self.test_set()
        share = RankShare(test, positions, rank, ranks)
        return DataLoader(test, batch_size=self.batch_size, sampler=share, num_workers=self.num_workers)

    @property
    def _rank(self) -> tuple[int, int]:
        """Index of this rank and number of ranks."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    @property
    def _loaded(self) -> tuple[Examples, Examples]:
        if self._sets is None:
            raise RuntimeError(f"{type(self).__name__}: data are not loaded; call setup first")
        return self._sets

    def _part(self, argument: str, text: str) -> Origin:
        read = Origin.parse(f"_ {text}")
        if read.source != "_" or not read.part:
            name = type(self).__name__
            raise ValueError(f"{name}: {argument} = {text}; must be train, test or a part such as train[0:2000]")
        return replace(read, source=self.source)

    def _cut(self, sets: Mapping[str, Examples], part: Origin) -> Examples:
        x, y = sets[part.part]
        if len(y) < (part.stop or part.start + 1):
            raise ValueError(f"{type(self).__name__}: {part}; must be within the {len(y)} examples of its set")
        return self._restrict(x[part.start : part.stop], y[part.start : part.stop])

    def _restrict(self, x: Tensor, y: Tensor) -> Examples:
        known = torch.isin(y.double(), torch.tensor(list(self.available)).double())
        if not known.all():
            found = f"label {float(y[~known][0]):g} found"
            raise ValueError(f"{type(self).__name__}: {found}; must be one of {list(self.available)}")
        code = torch.full((max(self.available) + 1,), -1)
        code[list(self.classes)] = torch.arange(self.num_classes)
        labels = code[y.long()]
        kept = labels >= 0
        return self.scaled(x[kept]).contiguous(), labels[kept]


class _Fitting(Dataset[Labelled]):
    def __init__(self, x: Tensor, labels: Tensor, augment: Callable[[Tensor], Tensor] | None) -> None:
        self._x = x
        self._labels = labels
        self._augment = augment

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, position: int) -> Labelled:
        x = self._x[position]
        return self._augment(x) if self._augment else x, int(self._labels[position])


class _Numbered(Dataset[Numbered]):
    def __init__(self, x: Tensor, labels: Tensor) -> None:
        self._x = x
        self._labels = labels

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, index: int) -> Numbered:
        return index, self._x[index], int(self._labels[index])
