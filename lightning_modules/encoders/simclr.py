"""Contrastive learning of features without labels."""

from types import NoneType
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.record import RECORD, Record
from lightning_modules.encoders.views import Views
from lightning_modules.networks.checkpoint import check_resumed
from lightning_modules.training.schedule import Learning
from smoothing.arguments import at_least, function, instance, positive


class SimCLR(pl.LightningModule):
    """Training of features in which two views of an image are nearer to each other than to others (Chen et al. 2020).

    Labels are not used. Views of other images come from the batches of all ranks.

    Args:
        backbone: The network to train. An encoder later returns its features.
        projection: Number of outputs of the projection head, which is used in training only, at least 2.
        temperature: Temperature of the softmax over similarities, above 0.
        views: Returns a random view of each image; default: `Views`.
        optimizer: Creates the optimiser from the parameters; default: AdamW. The learning rate follows one cycle over
            the whole training.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        backbone: Backbone,
        projection: int = 128,
        temperature: float = 0.2,
        views: nn.Module | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-4),
    ) -> None:
        super().__init__()
        instance(self, Backbone, backbone=backbone)
        instance(self, (nn.Module, NoneType), views=views)
        function(self, optimizer=optimizer)
        at_least(self, 2, projection=projection)
        positive(self, temperature=temperature)
        self.network = backbone
        self.head = nn.Sequential(
            nn.Linear(backbone.features, backbone.features), nn.ReLU(), nn.Linear(backbone.features, projection)
        )
        self.temperature = temperature
        self.views = views or Views()
        self.learning = Learning(optimizer)

    def on_fit_start(self) -> None:
        """Refuse a backbone without a record before the first batch."""
        _ = self._record

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record network and training examples in the checkpoint."""
        checkpoint[RECORD] = self._record.plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the training resumes with the same network and examples; see `check_resumed`."""
        check_resumed(self, Record.fields(checkpoint), vars(self._record))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of one batch of images, without their labels."""
        loss = self._loss(batch[0])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the same loss on one batch of validation images."""
        self.log("val/loss", self._loss(batch[0]), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimiser with a one-cycle schedule."""
        return self.learning.configure(self.trainer, self.parameters())

    @property
    def _record(self) -> Record:
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        return Record.of(self.network, data.image_shape, data.origin, labels=False)

    def _loss(self, x: Tensor) -> Tensor:
        first, second = (self.head(self.network(self.views(x))) for _ in range(2))
        gathered = [
            cast(Tensor, self.all_gather(view, sync_grads=True)).reshape(-1, view.shape[1]) for view in (first, second)
        ]
        return nt_xent(gathered[0], gathered[1], self.temperature)


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross-entropy, the mean over all views (Chen et al. 2020, eq. 1).

    Args:
        first: One view of each image, ``(n, d)``.
        second: Another view of each image in the same order, ``(n, d)``.
        temperature: Temperature, above 0.
    """
    n = len(first)
    views = normalize(torch.cat([first, second]).float())
    similar = views @ views.T / temperature
    similar.fill_diagonal_(-torch.inf)
    partner = torch.arange(2 * n, device=views.device).roll(n)
    return cross_entropy(similar, partner)
