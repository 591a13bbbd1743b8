"""Remaining work of a run, as Lightning data modules."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar, cast

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from lightning_modules.certifying.certification import Examples
from lightning_modules.certifying.opening import Opening
from smoothing.runs.progress import Progress

EXPECTED_WARNINGS = (
    "Total length of .* across ranks is zero",  # fewer examples remain than there are ranks
    ".*LeafSpec.* is deprecated",  # a matter of Lightning and torch
    "The 'predict_dataloader' does not have many workers",  # examples in memory need no workers
)
"""Patterns of Lightning's warnings that do not apply here."""

T = TypeVar("T")


class ToDo(pl.LightningDataModule, ABC, Generic[T]):
    """Data module of the remaining work on some data.

    Args:
        examples: Training set and examples.
        progress: Progress of the run.
    """

    def __init__(self, examples: pl.LightningDataModule, progress: Progress) -> None:
        super().__init__()
        self.examples = examples
        self.progress = progress

    @abstractmethod
    def share(self, rank: int, ranks: int) -> DataLoader[T]:
        """Return batches of one rank's share of the work."""

    def prepare_data(self) -> None:
        """Download missing data."""
        self.examples.prepare_data()

    def setup(self, stage: str) -> None:
        """Read training set and examples."""
        self.examples.trainer = self.trainer
        self.examples.setup(stage)

    def predict_dataloader(self) -> DataLoader[T]:
        """Return batches of this rank's share of the work, once the run directory is open.

        Lightning calls this on every rank of every pass, after the checks of all ranks. The first rank has work if any
        rank has. It opens the directory, and the others wait: their first rows must not precede its last check.
        """
        trainer = self.trainer
        assert trainer is not None
        batches = self.share(trainer.global_rank, trainer.world_size)
        if len(batches):
            for callback in trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, Opening):
                    callback.open(trainer)
        trainer.strategy.barrier("the run directory is open")
        return batches


class ExamplesToDo(ToDo[Any]):
    """Data module of the requested examples that are not finished."""

    def share(self, rank: int, ranks: int) -> DataLoader[Any]:
        """Return batches of one rank's share of the examples; see `ToDo.share`."""
        return cast(Examples, self.examples).batches(self.progress.remaining, rank, ranks)
