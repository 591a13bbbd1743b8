"""Feature extractors that are trained on other classes than those under attack."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.checkpoint import read_checkpoint
from smoothing.origin import Origin

RECORD = "encoder"
"""Key under which a checkpoint says what its encoder is and has seen."""


class FeatureNetwork(nn.Module):
    """A small convolutional network from images within [0, 1] to features.

    The features are a linear layer's: none of them is constant on classes that the network has never seen, as
    rectified ones often are, so that they span their space there too.

    Args:
        shape: Channels, height and width of an image.
        features: Number of features k, at least 1.
        width: Channels of the first convolution, at least 1; each of the two after it has twice as many as the last.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: Sequence[int], features: int, width: int) -> None:
        super().__init__()
        channels, height, length = shape
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * width * ceil(height / 8) * ceil(length / 8), features),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, k)`` of images ``(batch, channels, height, width)``."""
        features: Tensor = self.layers((x - self.mean) / self.std)
        return features


class Encoder(pl.LightningModule):
    """A classifier whose last layer but one becomes the features of another task (Rosenfeld et al. 2020, section 5).

    Shape and scale of the images come from the data module that it is fitted on, and go into the checkpoint.

    Args:
        features: Number of features k, at least 1.
        width: Channels of the first convolution, at least 1.
        learning_rate: Peak of the one-cycle schedule, above 0.
        label_smoothing: Share of each target that is spread over all classes, within [0, 1).
        augmentation: What changes training images ``(batch, channels, height, width)``, for example by the slant that
            is of no account to any class, those of the other task included.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        features: int = 50,
        width: int = 16,
        learning_rate: float = 2e-3,
        label_smoothing: float = 0.0,
        augmentation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("features", features), ("width", width)):
            if value < 1:
                raise ValueError(f"Encoder: {name} = {value}; must be at least 1")
        if not 0 < learning_rate < float("inf"):
            raise ValueError(f"Encoder: learning_rate = {learning_rate}; must be finite and above 0")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"Encoder: label_smoothing = {label_smoothing}; must be within [0, 1)")
        self.features = features
        self.width = width
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.augmentation = augmentation or nn.Identity()
        self._record: dict[str, Any] = {}

    def configure_model(self) -> None:
        """Build the network for the images and classes of the data module.

        Raises:
            ValueError: If the inputs are no images.
        """
        if self._record:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        x, _ = data.training_set()
        shape = list(x.shape[1:])
        if len(shape) != 3:
            raise ValueError(f"Encoder: inputs of shape {shape}; must be images, with channels, height and width")
        self.network = FeatureNetwork(shape, self.features, self.width)
        self.network.mean, self.network.std = x.mean(), x.std()
        self.head = nn.Linear(self.features, data.num_classes)
        self._record = {
            "network": {"shape": shape, "features": self.features, "width": self.width},
            "source": data.source,
            "classes": list(data.classes),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the checkpoint what the network is, and what it has seen."""
        checkpoint[RECORD] = self._record

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the same classes only: the weights have seen those of the checkpoint too.

        Raises:
            ValueError: If the checkpoint was trained on others.
        """
        seen, here = (
            str(Origin(record["source"], classes=tuple(record["classes"]))) if record else None
            for record in (checkpoint.get(RECORD), self._record)
        )
        if here not in (None, seen):
            raise ValueError(f"Encoder: ckpt_path was trained on {seen}; must have been on {here}, to go on")

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy of one batch."""
        x, labels = batch
        loss = cross_entropy(
            self.head(self.network(self.augmentation(x))), labels, label_smoothing=self.label_smoothing
        )
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Accuracy on one batch."""
        x, labels = batch
        correct = self.head(self.network(x)).argmax(1) == labels
        self.log("val/accuracy", correct.float().mean(), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW under a one-cycle schedule."""
        optimizer = torch.optim.AdamW(self.parameters(), self.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.learning_rate, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class FrozenEncoder(nn.Module):
    """The feature network of an `Encoder`'s checkpoint, fixed for good.

    Architecture and scale of the images are the checkpoint's. It refuses classes whose labels it was trained on,
    because features that are learned from the labels under attack void their certificates (THEORY.md 4.5).

    Args:
        base_ckpt: Path of the checkpoint; only weights and plain values are read from it.
        accept_seen_classes: Serve classes that the network was trained on all the same. Certificates then carry the
            assumption that the features do not change with the labels.

    Raises:
        ValueError: If the file is not a checkpoint of an `Encoder`.

    Attributes:
        origin: Which examples the network has seen.
        trained_on: The same in words.
        assumptions: What certificates on these features take for granted, one phrase each; final after `serve`.
    """

    def __init__(self, base_ckpt: str, accept_seen_classes: bool = False) -> None:
        super().__init__()
        self.accept_seen_classes = accept_seen_classes
        self.assumptions: tuple[str, ...] = ()
        read = read_checkpoint(base_ckpt, RECORD, reader="FrozenEncoder", writer="Encoder")
        self._identity, record = read.identity, read.record
        self._source, self._classes = record["source"], tuple(record["classes"])
        self._shape = tuple(record["network"]["shape"])
        self.origin = Origin(self._source, classes=self._classes)
        self.trained_on = str(self.origin)
        self.network = FeatureNetwork(**record["network"])
        self.network.load_state_dict(read.weights)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "FrozenEncoder":
        """Stay in evaluation mode, whatever the module around it does."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, k)`` float32 of images ``(batch, channels, height, width)`` within [0, 1].

        Raises:
            ValueError: If the images have another shape than those the network was trained on.
        """
        if x.shape[1:] != self._shape:
            raise ValueError(f"FrozenEncoder: images of shape {list(x.shape[1:])}; must be {list(self._shape)}")
        features: Tensor = self.network(x)
        return features

    def serve(self, source: str, classes: Sequence[int]) -> None:
        """Agree to encode some classes of a data set.

        Args:
            source: Where the examples come from.
            classes: Class numbers in that data set.

        Raises:
            ValueError: If the network was trained on one of them and `accept_seen_classes` is not set.
        """
        seen = sorted(set(classes) & set(self._classes)) if source == self._source else []
        if seen and not self.accept_seen_classes:
            raise ValueError(
                f"FrozenEncoder: base_ckpt was trained on class {seen[0]} of {source}, whose labels are under attack; "
                "must have seen other classes, or accept_seen_classes be true"
            )
        learned = f"features, learned from labels of {self.trained_on}, do not change"
        self.assumptions = (learned,) if seen else ()

    def identity(self) -> str:
        """SHA-256 of the checkpoint file, in hexadecimal."""
        return self._identity
