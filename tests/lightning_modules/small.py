"""A small base classifier of the embedded digits."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from datamodules import DataModule, Digits
from lightning_modules.architectures import Architecture
from lightning_modules.training.base_classifier import BaseClassifier
from smoothing.measures import Gaussian


class Small(Architecture):
    """One hidden layer, for images of 8 x 8 pixels."""

    def __init__(self, width: int = 64, num_classes: int = 10) -> None:
        self.width = width
        body = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
        super().__init__(body, num_classes, mean=[0.25], std=[0.5])


def small(**arguments: Any) -> BaseClassifier:
    """A base classifier with given arguments; the rest is chosen to learn fast."""
    torch.manual_seed(0)
    chosen: dict[str, Any] = {"architecture": Small(), "measure": Gaussian(0.2), "certified": 16}
    return BaseClassifier(**(chosen | arguments))


def fit(
    classifier: BaseClassifier,
    directory: Path,
    data: DataModule | None = None,
    ckpt_path: Path | None = None,
    **options: Any,
) -> pl.Trainer:
    """Train a base classifier; its checkpoint is ``last.ckpt``."""
    pl.seed_everything(0)
    chosen: dict[str, Any] = {"max_epochs": 8, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    silence = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    trainer = pl.Trainer(**(chosen | silence | options), default_root_dir=directory)
    trainer.fit(classifier, datamodule=data or Digits(batch_size=32), ckpt_path=ckpt_path, weights_only=True)
    trainer.save_checkpoint(directory / "last.ckpt")
    return trainer
