"""Training of an encoder by SimCLR for the time that is left, and what a ridge regression reads from its features."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from benchmarks.accelerator.part import CIFAR10Part
from benchmarks.accelerator.report import DEVICE, SMALL, arguments
from lightning_modules.encoders import FrozenEncoder, SimCLR, TimmBackbone
from smoothing.votes import Ridge

CHECKPOINT = "simclr.ckpt"
PIECE = 15 * 2**20
"""Bytes per piece of the checkpoint, for transfers that limit the size of a file."""

TRIED = 5
"""Epochs from which the time of an epoch is measured."""

SAVES = 5
"""Number of times that the checkpoint is saved during training."""

AFTER = 15.0
"""Seconds kept for saving and evaluation."""


class Batches:
    """Shuffled batches of images that stay on the device. The one augmentation is that of the views.

    Args:
        x: Images.
        y: Labels, which SimCLR does not use.
        size: Images per batch.
    """

    def __init__(self, x: Tensor, y: Tensor, size: int) -> None:
        self._x, self._y, self._size = x, y, size

    def __len__(self) -> int:
        return len(self._x) // self._size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self._x), device=self._x.device)
        for part in order.split(self._size)[: len(self)]:
            yield self._x[part], self._y[part]


class Saved(pl.Callback):
    """Saves the checkpoint a few times, so that a lost machine loses only the last epochs.

    Args:
        out: Folder of the checkpoint.
        every: Epochs between two checkpoints.
    """

    def __init__(self, out: Path, every: int) -> None:
        self._out, self._every = out, every

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the weights in pieces."""
        if (trainer.current_epoch + 1) % self._every == 0:
            save(trainer, self._out)


def save(trainer: pl.Trainer, out: Path) -> int:
    """Save the weights in pieces, without the state of the optimiser, and return the number of bytes."""
    path = out / f".{CHECKPOINT}"
    trainer.save_checkpoint(path, weights_only=True)
    content = path.read_bytes()
    path.unlink()
    for number, start in enumerate(range(0, len(content), PIECE)):
        (out / f"{CHECKPOINT}.{number}").write_bytes(content[start : start + PIECE])
    return len(content)


class OnDevice(CIFAR10Part):
    """The part of CIFAR-10, on the device."""

    def train_dataloader(self) -> Batches:  # type: ignore[override]
        """Return batches of all training images."""
        x, y = self.training_set()
        return Batches(x.to(DEVICE), y.to(DEVICE), self.batch_size)

    def val_dataloader(self) -> list[Tensor]:  # type: ignore[override]
        """Return no batch."""
        return []


def module() -> SimCLR:
    """Return the module to train."""
    pl.seed_everything(0)
    return SimCLR(TimmBackbone("resnet10t" if SMALL else "resnet18", size=32 if SMALL else 64))


def trained(data: OnDevice, epochs: int, *callbacks: pl.Callback) -> tuple[pl.Trainer, float]:
    """Train for some epochs, and return the seconds that this took."""
    trainer = pl.Trainer(
        accelerator="gpu" if DEVICE.type == "cuda" else "cpu",
        devices=1,
        precision="32-true" if SMALL else "bf16-mixed",
        max_epochs=epochs,
        callbacks=list(callbacks),
        limit_train_batches=1 if SMALL else None,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    start = time.perf_counter()
    trainer.fit(module(), datamodule=data)
    return trainer, time.perf_counter() - start


def accuracy(out: Path, data: CIFAR10Part) -> float:
    """Return the accuracy of a ridge regression on the features of the saved checkpoint."""
    path = out / f".{CHECKPOINT}"
    path.write_bytes(b"".join(piece.read_bytes() for piece in sorted(out.glob(f"{CHECKPOINT}.*"))))
    encoder = FrozenEncoder(str(path)).to(DEVICE)
    path.unlink()
    (x, y), (tests, truth) = data._loaded
    if SMALL:
        x, y, tests, truth = x[:200], y[:200], tests[:20], truth[:20]
    with torch.no_grad():
        features, others = (
            torch.cat([encoder(part.to(DEVICE)) for part in some.split(256)]).cpu() for some in (x, tests)
        )
    votes = Ridge()
    votes.fit(features, y, 10)
    return float((votes.class_scores(others).argmax(1) == truth).float().mean())


def main() -> None:
    """Train, save and evaluate."""
    report, out, folder = arguments("simclr")
    torch.set_float32_matmul_precision("high")
    data = OnDevice(folder, 16 if SMALL else 512)
    data.setup()
    data.setup = lambda stage=None: None  # type: ignore[method-assign]
    epoch, epochs = float("nan"), 1
    if not SMALL:
        trained(data, 1)
        (_, start), (_, tried) = (trained(data, count) for count in (1, 1 + TRIED))
        epoch = max(tried - start, 1e-3) / TRIED
        epochs = max(1, int(0.9 * (report.left - AFTER) / epoch))
    report.add(images=len(data.training_set()[1]), batch=data.batch_size, s_per_epoch=epoch, epochs=epochs)
    trainer, cost = trained(data, epochs, Saved(out, max(1, epochs // SAVES)))
    size, loss = save(trainer, out), float(trainer.callback_metrics["train/loss"])
    report.add(trained_s=cost, last_loss=loss, checkpoint_mb=size / 1e6, join=f"cat {CHECKPOINT}.* > {CHECKPOINT}")
    with report.attempt("evaluation"):
        report.add(accuracy_of_ridge_on_features=accuracy(out, data))


if __name__ == "__main__":
    main()
