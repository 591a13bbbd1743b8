"""How fast networks learn, and how that changes as they do."""

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
"""Share of a training in which the learning rate rises."""


def one_cycle(progress: float) -> float:
    """Share of its peak that the learning rate has: it rises linearly from 0 to 1 and falls along a cosine to 0.

    Args:
        progress: Share of the training that is done, within [0, 1].
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
    """An optimiser and its schedule, to be made when the parameters are known.

    Copies of a module share it: what a config makes of a callable drags the whole trainer along, which no copy survives
    where there are several processes.

    Args:
        optimizer: Makes the optimiser from the parameters.
        schedule: Makes the schedule from the optimiser, to be stepped once an epoch; `one_cycle` over the whole
            training, stepped every batch, unless given.
    """

    def __init__(self, optimizer: OptimizerCallable, schedule: LRSchedulerCallable | None = None) -> None:
        check_learning(self, optimizer, schedule)
        self._optimizer = optimizer
        self._schedule = schedule

    def __deepcopy__(self, memo: dict[int, Any]) -> "Learning":
        return self

    def configure(self, trainer: pl.Trainer, parameters: Iterable[Tensor]) -> OptimizerLRScheduler:
        """Both, as Lightning is told of them.

        Args:
            trainer: The trainer, which knows how many steps there will be.
            parameters: What is learned.
        """
        optimizer = self._optimizer(parameters)
        if self._schedule is not None:
            return {"optimizer": optimizer, "lr_scheduler": self._schedule(optimizer)}
        steps = int(trainer.estimated_stepping_batches)
        # By a function of the step alone, so that a training that is resumed may be given more epochs.
        cycle = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: one_cycle(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
