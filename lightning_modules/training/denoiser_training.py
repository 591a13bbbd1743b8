"""Training denoisers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import mse_loss

from lightning_modules.denoisers import Diffusion, Process
from lightning_modules.denoisers.diffusion_denoiser import TRAINED_ON
from lightning_modules.denoisers.frozen_denoiser import RECORD
from lightning_modules.networks.checkpoint import check_resumed
from lightning_modules.training.recipe import describe
from lightning_modules.training.schedule import Learning, check_learning
from smoothing.arguments import at_least, instance, numbers, positive
from smoothing.numerics.random import generator

TRAINING, VALIDATION, SHOWN = 0, 1, 2
"""Streams of noise."""

SHOWN_IMAGES = 8
"""Number of images of each kind to log after an epoch."""

FOLDER = "denoiser"
"""Subfolder of the run directory for the denoiser in the format of diffusers."""


class DenoiserTraining(pl.LightningModule):
    """Training of a UNet that removes noise; by default a diffusion model from scratch (Ho et al. 2020).

    Images are on the scale [0, 1]; the data module defines their shape. Noise is a function of seed, epoch, batch and
    rank, so that a resumed training draws the same noise as an uninterrupted one.

    For an exponential moving average of the weights, add Lightning's callback ``EMAWeightAveraging`` to the trainer.
    Validation, checkpoints and the folder then use the average. The callback ``ImageGrids`` logs images of each epoch.
    After training, the denoiser is also saved in the run directory in the format of diffusers.

    Args:
        unet: Arguments of `diffusers.UNet2DModel`, without channels and size of the images.
        process: Adds and removes noise; default: `Diffusion`.
        optimizer: Creates the optimiser from the parameters; default: AdamW.
        schedule: Creates the learning rate schedule from the optimiser, stepped once per epoch; default: one cycle over
            the whole training, stepped every batch.
        sigmas: Standard deviations on the scale [0, 1], above 0, for which validation logs the denoising error.
        seed: Root seed of the noise, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        unet: Mapping[str, Any],
        process: Process | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.AdamW(parameters, lr=2e-3),
        schedule: LRSchedulerCallable | None = None,
        sigmas: Sequence[float] = (0.25, 0.5, 1.0),
        seed: int = 0,
    ) -> None:
        super().__init__()
        instance(self, Mapping, unet=unet)
        instance(self, (Process, NoneType), process=process)
        check_learning(self, optimizer, schedule)
        numbers(self, "finite numbers above 0", sigmas=sigmas)
        for sigma in sigmas:
            positive(self, sigmas=sigma)
        at_least(self, 0, seed=seed)
        self.process = process or Diffusion()
        for sigma in sigmas:
            self.process.applied_sigma(sigma)
        self.unet = dict(unet)
        self.learning = Learning(optimizer, schedule)
        self.sigmas = tuple(sigmas)
        self.seed = seed
        self._record: dict[str, Any] = {}

    def configure_model(self) -> None:
        """Build the UNet for the images of the data module.

        Raises:
            ValueError: If the arguments do not fit the images.
        """
        if self._record:
            return
        # Imported here, since importing diffusers takes seconds.
        from diffusers import UNet2DModel

        data = self.trainer.datamodule  # type: ignore[attr-defined]
        shape = tuple(data.image_shape)
        try:
            channels, height, width = shape
            size = height if height == width else [height, width]
            arguments = self.unet | {"in_channels": channels, "out_channels": channels, "sample_size": size}
            self.network = UNet2DModel(**arguments)
            with torch.no_grad():
                self.network(torch.zeros(1, *shape), 0)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"DenoiserTraining: unet = {self.unet}; must be arguments of diffusers.UNet2DModel for "
                f"images of shape {list(shape)}: {error}"
            ) from error
        self._record = {
            "unet": arguments,
            "process": describe(self.process),
            "trained_on": str(data.origin),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record UNet, process and training examples in the checkpoint."""
        checkpoint[RECORD] = self._record

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the training resumes with the same UNet, process and examples; see `check_resumed`."""
        check_resumed(self, checkpoint.get(RECORD), self._record)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean squared error of the UNet on one batch."""
        loss = self._loss(batch[0], (TRAINING, self.current_epoch, batch_idx))
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Log the same loss on validation images, and the squared error of denoised images on the scale [0, 1].

        Returns:
            For the first batch, images to log, ``(some, channels, height, width)`` within [0, 1]: clean images,
            followed by noisy and denoised ones for each sigma, and images that the UNet generates. Otherwise nothing.
        """
        x, _ = batch
        self.log("val/loss", self._loss(x, (VALIDATION, 0, batch_idx)), prog_bar=True, sync_dist=True)
        rows = [x[:SHOWN_IMAGES]]
        for number, sigma in enumerate(self.sigmas):
            noise = torch.empty_like(x).normal_(generator=self._generator((SHOWN, 0, batch_idx, number)))
            noisy = x + self.process.applied_sigma(sigma) * noise
            denoised = self.process.denoise(self.network, noisy, sigma)
            self.log(f"val/squared_error/{sigma:g}", mse_loss(denoised, x), sync_dist=True)
            rows += [noisy[:SHOWN_IMAGES].clamp(0, 1), denoised[:SHOWN_IMAGES]]
        return {"denoised": torch.cat(rows)} | self._generated(x) if batch_idx == 0 else {}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimiser and its schedule."""
        return self.learning.configure(self.trainer, self.network.parameters())

    def on_train_end(self) -> None:
        """Save the denoiser in the format of diffusers; callbacks have replaced the weights by their average."""
        if self.trainer.is_global_zero:
            folder = Path(self.trainer.default_root_dir, FOLDER)
            self.process.save(self.network, folder)
            (folder / TRAINED_ON).write_text(self._record["trained_on"] + "\n", encoding="utf-8")

    def _loss(self, x: Tensor, key: Sequence[int]) -> Tensor:
        given, time, target = self.process.training_batch(x, self._generator(key))
        return mse_loss(self.network(given, time).sample, target)

    def _generated(self, x: Tensor) -> dict[str, Tensor]:
        start = torch.empty_like(x[:SHOWN_IMAGES]).normal_(generator=self._generator((SHOWN, 1)))
        images = self.process.generate(self.network, start)
        return {} if images is None else {"generated": images}

    def _generator(self, key: Sequence[int]) -> torch.Generator:
        return generator((self.seed, *key, self.global_rank), self.device)
