"""Optimisers and learning rate schedules."""

from collections.abc import Iterable
from math import cos, pi
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from smoothing.arguments import function

WARM_UP = 0.2
"""Fraction of the training during which the learning rate rises."""


def one_cycle(progress: float) -> float:
    """Return the learning rate as a fraction of its peak: a linear rise from 0 to 1, then a cosine decay to 0.

    Args:
        progress: Finished fraction of the training, within [0, 1].
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + cos(pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def check_learning(owner: object, optimizer: OptimizerCallable, schedule: LRSchedulerCallable | None) -> None:
    """Raise unless both are callable, or the schedule is unset.

    Raises:
        ValueError: Naming the argument that is refused.
    """
    function(owner, optimizer=optimizer)
    if schedule is not None:
        function(owner, schedule=schedule)


class Learning:
    """An optimiser and its schedule, created once the parameters are known.

    Copies of a module share this object. A callable that is created from a config refers to the whole trainer, which
    cannot be copied when several processes run.

    Args:
        optimizer: Creates the optimiser from the parameters.
        schedule: Creates the schedule from the optimiser, stepped once per epoch; default: `one_cycle` over the whole
            training, stepped every batch.

    Raises:
        ValueError: If an argument is not callable.
    """

    def __init__(self, optimizer: OptimizerCallable, schedule: LRSchedulerCallable | None = None) -> None:
        check_learning(self, optimizer, schedule)
        self._optimizer = optimizer
        self._schedule = schedule

    def __deepcopy__(self, memo: dict[int, Any]) -> "Learning":
        return self

    def configure(self, trainer: pl.Trainer, parameters: Iterable[Tensor]) -> OptimizerLRScheduler:
        """Return optimiser and schedule in the form that Lightning expects.

        Args:
            trainer: The trainer, which knows the number of steps.
            parameters: The parameters to train.
        """
        optimizer = self._optimizer(parameters)
        if self._schedule is not None:
            return {"optimizer": optimizer, "lr_scheduler": self._schedule(optimizer)}
        steps = int(trainer.estimated_stepping_batches)
        # A function of the step alone, so that a resumed training may have more epochs.
        cycle = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: one_cycle(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
