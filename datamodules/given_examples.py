"""Examples that are given in Python."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.base import Numbered
from smoothing.arguments import at_least
from smoothing.certificates.ranks import RankShare
from smoothing.provenance.origin import Origin

UNKNOWN = -1
"""Label of an example whose class is unknown."""


class GivenExamples(pl.LightningDataModule):
    """Test examples given in Python, for classifiers that are already trained.

    Args:
        examples: Data set whose items are pairs of an input and a label. Labels are whole numbers in
            ``0 .. num_classes - 1``, or `UNKNOWN`.
        num_classes: Number of classes K.
        batch_size: Examples per batch, at least 1.

    Raises:
        ValueError: If there is no example, or ``batch_size`` is below 1.
    """

    assumptions: tuple[str, ...] = ()

    def __init__(self, examples: Dataset[tuple[Tensor, int]], num_classes: int, batch_size: int = 64) -> None:
        super().__init__()
        at_least(self, 1, batch_size=batch_size)
        self._examples = _Positioned(examples)
        self.num_classes = num_classes
        self.batch_size = batch_size
        if not len(self._examples):
            raise ValueError("GivenExamples: examples = 0; must be at least one")

    @property
    def origin(self) -> Origin:
        """Origin of the training set, which is unknown."""
        return Origin("examples given in Python")

    @property
    def requested(self) -> Sequence[int]:
        """Positions of the requested examples: all."""
        return range(len(self._examples))

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Raise, since there is no training set.

        Raises:
            ValueError: Always.
        """
        raise ValueError("GivenExamples: there is no training set; the classifier must be trained")

    def test_set(self) -> Dataset[Numbered]:
        """Return the examples. Each item is a position, an input and a label."""
        return self._examples

    def fingerprint(self) -> str:
        """Return the SHA-256 of inputs and labels, in hexadecimal."""
        digest = hashlib.sha256()
        for position in self.requested:
            _, x, label = self._examples[position]
            digest.update(f"{tuple(x.shape)} {x.dtype} {label};".encode())
            digest.update(x.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def batches(self, positions: Sequence[int], rank: int, ranks: int) -> DataLoader[Any]:
        """Return batches ``(index, x, label)`` of one rank's share of the examples at some positions."""
        share = RankShare(self._examples, positions, rank, ranks)
        return DataLoader(self._examples, batch_size=self.batch_size, sampler=share)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Return batches ``(index, x, label)`` of this rank's share of all examples."""
        trainer = self.trainer
        return self.batches(self.requested, *((trainer.global_rank, trainer.world_size) if trainer else (0, 1)))


class _Positioned(Dataset[Numbered]):
    def __init__(self, examples: Any) -> None:
        self._pairs = examples

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Numbered:
        x, label = self._pairs[index]
        return index, torch.as_tensor(x), int(label)
