"""How fast networks learn, and how that changes as they do."""

from collections.abc import Iterable
from math import cos, pi

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

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


def learning(
    trainer: pl.Trainer,
    parameters: Iterable[Tensor],
    optimizer: OptimizerCallable,
    schedule: LRSchedulerCallable | None,
) -> OptimizerLRScheduler:
    """An optimiser and its schedule, as Lightning is told of them.

    Args:
        trainer: The trainer, which knows how many steps there will be.
        parameters: What is learned.
        optimizer: Makes the optimiser from the parameters.
        schedule: Makes the schedule from the optimiser, to be stepped once an epoch; `one_cycle` over the whole
            training, stepped every batch, unless given.
    """
    made = optimizer(parameters)
    if schedule is not None:
        return {"optimizer": made, "lr_scheduler": schedule(made)}
    steps = int(trainer.estimated_stepping_batches)
    # By a function of the step alone, so that a training that is resumed may be given more epochs.
    cycle = torch.optim.lr_scheduler.LambdaLR(made, lambda step: one_cycle(step / steps))
    return {"optimizer": made, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
