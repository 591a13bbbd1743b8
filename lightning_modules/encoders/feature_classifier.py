"""Features learned from labels of examples that are not under attack."""

from types import NoneType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.encoders.feature_network import FeatureNetwork
from lightning_modules.encoders.record import RECORD, Record
from lightning_modules.networks.checkpoint import check_resumed
from smoothing.arguments import at_least, below_one, instance, positive


class FeatureClassifier(pl.LightningModule):
    """A classifier with a penultimate layer that gives the features of another task (Rosenfeld et al. 2020, section 5).

    The data module of the training defines shape and scale of the images. The checkpoint records them.

    Args:
        features: Number of features k, at least 1.
        width: Number of channels of the first convolution, at least 1.
        learning_rate: Peak of the one-cycle schedule, above 0.
        label_smoothing: Fraction of each target that is spread over all classes, within [0, 1).
        augmentation: Transform of training images ``(batch, channels, height, width)``, for example a slant that does
            not change the class in any of the tasks; default: none.

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
        at_least(self, 1, features=features, width=width)
        positive(self, learning_rate=learning_rate)
        below_one(self, label_smoothing=label_smoothing)
        instance(self, (nn.Module, NoneType), augmentation=augmentation)
        self.features = features
        self.width = width
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.augmentation = augmentation or nn.Identity()
        self._record: Record | None = None

    def configure_model(self) -> None:
        """Build the network for the images and classes of the data module.

        Raises:
            ValueError: If the inputs are not images.
        """
        if self._record is not None:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        x, _ = data.training_set()
        shape = list(x.shape[1:])
        if len(shape) != 3:
            raise ValueError(
                f"FeatureClassifier: inputs of shape {shape}; must be images, with channels, height and width"
            )
        self.network = FeatureNetwork(shape, self.features, self.width)
        self.network.mean, self.network.std = x.mean(), x.std()
        self.head = nn.Linear(self.features, data.num_classes)
        self._record = Record.of(self.network, data.image_shape, data.origin, labels=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record network and training examples in the checkpoint."""
        assert self._record is not None
        checkpoint[RECORD] = self._record.plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the training resumes with the same network and examples; see `check_resumed`."""
        assert self._record is not None
        check_resumed(self, Record.fields(checkpoint), vars(self._record))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the cross-entropy of one batch."""
        x, labels = batch
        loss = cross_entropy(
            self.head(self.network(self.augmentation(x))), labels, label_smoothing=self.label_smoothing
        )
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the accuracy on one batch."""
        x, labels = batch
        correct = self.head(self.network(x)).argmax(1) == labels
        self.log("val/accuracy", correct.float().mean(), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW with a one-cycle schedule."""
        optimizer = torch.optim.AdamW(self.parameters(), self.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.learning_rate, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
