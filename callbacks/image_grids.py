"""Image grids during training."""

from collections.abc import Mapping
from functools import singledispatch
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger
from torch import Tensor
from torchvision.utils import make_grid, save_image

from smoothing.arguments import at_least

FOLDER = "images"
"""Folder of the grids in the run directory."""


class ImageGrids(Callback):
    """Callback that arranges the images returned by a module's `validation_step` in grids and logs them.

    Grids are also saved in the folder ``images`` of the run directory, since some loggers do not support images.

    Args:
        columns: Images in a row, at least 1.
        every_n_epochs: Number of epochs between two grids, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, columns: int = 8, every_n_epochs: int = 1) -> None:
        at_least(self, 1, columns=columns, every_n_epochs=every_n_epochs)
        self.columns = columns
        self.every_n_epochs = every_n_epochs

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Mapping[str, Tensor] | Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Log the images that the step returned, on one rank."""
        epoch = trainer.current_epoch
        if trainer.sanity_checking or not trainer.is_global_zero or (epoch + 1) % self.every_n_epochs:
            return
        for name, images in (outputs or {}).items():
            grid = make_grid(images.detach().float().cpu(), nrow=self.columns)
            folder = Path(trainer.default_root_dir, FOLDER)
            folder.mkdir(parents=True, exist_ok=True)
            save_image(grid, folder / f"{name}-epoch={epoch}.png")
            for logger in trainer.loggers:
                show(logger, name, grid, trainer.global_step)


@singledispatch
def show(logger: Logger, name: str, grid: Tensor, step: int) -> None:
    """Log a grid ``(3, height, width)``. Loggers that do not support images are skipped.

    Support another kind of logger by ``show.register``.
    """


@show.register
def _(logger: TensorBoardLogger, name: str, grid: Tensor, step: int) -> None:
    logger.experiment.add_image(name, grid, step)


@show.register
def _(logger: WandbLogger, name: str, grid: Tensor, step: int) -> None:
    # Without a step, because wandb requires its own step to increase.
    logger.log_image(name, [grid])
