"""Training base classifiers under noise."""

from collections.abc import Sequence
from types import NoneType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_modules.architectures import Architecture
from lightning_modules.networks.checkpoint import check_resumed
from lightning_modules.networks.frozen_classifier import RECORD, SCALE, FrozenClassifier
from lightning_modules.objectives import Noise, NoiseAugmentation, Objective
from lightning_modules.training.recipe import describe
from lightning_modules.training.schedule import Learning, check_learning
from smoothing.arguments import at_least, finite, instance, numbers
from smoothing.certifiers import Certifier, ClopperPearson
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, NetworkVotes

__all__ = ["BaseClassifier", "FrozenClassifier"]

TRAINING, VALIDATION = 0, 1
"""Streams of noise."""


class BaseClassifier(pl.LightningModule):
    """Training of a network on inputs that a measure randomises.

    Images are on the scale [0, 1]. Noise is added before all other operations. It is a function of seed, epoch, batch
    and rank, so that a resumed training draws the same noise as an uninterrupted one.

    The data module reserves a part of the training set for validation. Validation logs the accuracy under one draw per
    image, and the certified accuracy of the first few images with few draws.

    For an exponential moving average of the weights, add Lightning's callback ``EMAWeightAveraging`` to the trainer.
    Validation and checkpoints then use the average.

    Args:
        architecture: The network.
        measure: The measure that randomises the inputs.
        objective: The loss to minimise; default: `NoiseAugmentation`.
        optimizer: Creates the optimiser from the parameters; default: SGD with momentum.
        schedule: Creates the learning rate schedule from the optimiser, stepped once per epoch; default: one cycle over
            the whole training, stepped every batch.
        certifier: Certifies a few validation images in each epoch; default: `ClopperPearson` with 256 draws.
        certified: Number of images to certify on every rank, at least 0. At most one batch is certified. With 0, the
            certifier is not used.
        radii: Radii at which certified accuracy is logged, at least 0.
        seed: Root seed of the noise, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        architecture: Architecture,
        measure: SmoothingMeasure,
        objective: Objective | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.SGD(
            parameters, lr=0.1, momentum=0.9, weight_decay=1e-4
        ),
        schedule: LRSchedulerCallable | None = None,
        certifier: Certifier | None = None,
        certified: int = 64,
        radii: Sequence[float] = (0.25, 0.5, 1.0),
        seed: int = 0,
    ) -> None:
        super().__init__()
        instance(self, Architecture, architecture=architecture)
        instance(self, SmoothingMeasure, measure=measure)
        instance(self, (Objective, NoneType), objective=objective)
        instance(self, (Certifier, NoneType), certifier=certifier)
        check_learning(self, optimizer, schedule)
        at_least(self, 0, certified=certified)
        numbers(self, "finite numbers, at least 0", radii=radii)
        for radius in radii:
            finite(self, 0, radii=radius)
        at_least(self, 0, seed=seed)
        # Convolutions are fastest in this layout.
        self.network: Architecture = architecture.to(memory_format=torch.channels_last)
        self.measure = measure
        self.objective = objective or NoiseAugmentation()
        self.learning = Learning(optimizer, schedule)
        self.certifier = certifier or ClopperPearson(n0=16, n=256, alpha=0.05)
        self.certified = certified
        self.radii = tuple(radii)
        self.seed = seed
        self._record: dict[str, Any] = {}

    def setup(self, stage: str) -> None:
        """Check that data, network, measure and objective fit together.

        Raises:
            ValueError: If they do not, with the reason.
        """
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if reason := self.objective.supports(self.measure):
            raise ValueError(f"objective: {type(self.objective).__name__} cannot be used: {reason}")
        if self.certified and (reason := self.certifier.supports(self.measure, self._votes())):
            raise ValueError(f"certifier: {type(self.certifier).__name__} cannot be used: {reason}")
        if self.network.num_classes != data.num_classes:
            raise ValueError(
                f"{type(self.network).__name__}: num_classes = {self.network.num_classes}; "
                f"must be {data.num_classes}, as in {data.source}"
            )
        self._record = {
            "architecture": describe(self.network, leave_out=("weights",)),
            "measure": describe(self.measure),
            "scale": SCALE,
            "source": data.source,
            "classes": list(data.classes),
            "image_shape": list(data.image_shape),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record network, measure and training examples in the checkpoint."""
        checkpoint[RECORD] = self._record

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the training resumes with the same network, measure and data; see `check_resumed`."""
        check_resumed(self, checkpoint.get(RECORD), self._record)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        x, labels = batch
        noise = self._noise(TRAINING, self.current_epoch, batch_idx)
        loss = self.objective.loss(self.network, noise, x, labels, self.current_epoch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the accuracy under noise of one batch, and the certified accuracy of the start of the first batch."""
        x, labels = batch
        noisy = self._noise(VALIDATION, 0, batch_idx).draws(1)(x)
        accuracy = (self.network(noisy).argmax(1) == labels).float().mean()
        self.log("val/noisy_accuracy", accuracy, prog_bar=True, sync_dist=True)
        if batch_idx == 0 and self.certified:
            self._certify(x[: self.certified], labels[: self.certified])

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimiser and its schedule."""
        return self.learning.configure(self.trainer, self.network.parameters())

    def _noise(self, stream: int, epoch: int, batch: int) -> Noise:
        return Noise(self.measure, (self.seed, stream, epoch, batch, self.global_rank))

    def _votes(self) -> NetworkVotes:
        return NetworkVotes(self.network, self.network.num_classes)

    def _certify(self, x: Tensor, labels: Tensor) -> None:
        index = torch.arange(len(x))
        answer = self.certifier.certify(Ballots(self.measure, self._votes(), x, index, self.seed))
        right = answer.prediction == labels.cpu().numpy()
        for radius in self.radii:
            share = (right & self.measure.distance.certified_at(answer.radius, radius)).mean()
            self.log(f"val/certified_accuracy/{radius:g}", float(share), sync_dist=True)
