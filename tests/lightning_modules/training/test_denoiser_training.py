import json
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging
from pytorch_lightning.loggers import CSVLogger

from callbacks.image_grids import ImageGrids
from datamodules import DataModule, Digits
from lightning_modules import DenoiserTraining
from lightning_modules.denoisers import Diffusion, DiffusionDenoiser, FrozenDenoiser, GaussianNoise
from smoothing.measures import DenoisedMeasure, Gaussian
from smoothing.numerics.random import generator
from tests.lightning_modules.denoisers.unets import TINY, pipeline, tiny

UNET = TINY | {"block_out_channels": (16, 16)}
EMA = {"decay": 0.95}
SIGMA = 0.5


def fit(model: DenoiserTraining, folder: Path, data: DataModule | None = None, **options: Any) -> None:
    """Train on one half of the digits, without looking at the other; the checkpoint is ``last.ckpt``."""
    pl.seed_everything(0)
    checkpoint = options.pop("ckpt_path", None)
    silence = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "limit_val_batches": 0}
    chosen: dict[str, Any] = {"max_epochs": 2, "accelerator": "cpu", "enable_checkpointing": False}
    trainer = pl.Trainer(**(silence | chosen | options), default_root_dir=folder)
    data = data or Digits(training="train[599:]", batch_size=32)
    trainer.fit(model, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    trainer.save_checkpoint(folder / "last.ckpt")


def training(**arguments: Any) -> DenoiserTraining:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DenoiserTraining(**({"unet": UNET, "sigmas": [SIGMA]} | arguments))


@pytest.fixture(scope="module", params=["diffusion", "gaussian"])
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    process = {"diffusion": Diffusion(), "gaussian": GaussianNoise(0.25, 1.0)}[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    fit(training(process=process), folder, max_epochs=15, callbacks=[EMAWeightAveraging(**EMA)])
    return folder


@pytest.mark.slow
def test_it_learns_to_take_out_noise(fitted: Path) -> None:
    measure = DenoisedMeasure(Gaussian(SIGMA), FrozenDenoiser(str(fitted / "last.ckpt")))
    data = Digits()
    data.setup()
    x = torch.stack([data.test_set()[position][1] for position in range(128)])
    error = (measure.sample_each(x, generator((0,))) - x).square().mean()
    # The best guess without looking is the mean image.
    assert error < 0.6 * (x - x.mean(0)).square().mean()
    assert error < 0.25 * SIGMA**2


def test_the_checkpoint_records_the_training_examples(fitted: Path) -> None:
    denoiser = FrozenDenoiser(str(fitted / "last.ckpt"))
    assert [str(seen) for seen in denoiser.trained_on] == ["Digits train[599:]"]
    assert denoiser.image_shape == (1, 8, 8)
    assert not denoiser.trained_on[0].overlaps(Digits(training="train[:599]").origin)
    assert denoiser.trained_on[0].overlaps(Digits(training="train[:600]").origin)


def test_checkpoint_and_folder_hold_the_average(tmp_path: Path) -> None:
    fit(training(), tmp_path, callbacks=[EMAWeightAveraging(**EMA)])
    from_checkpoint = FrozenDenoiser(str(tmp_path / "last.ckpt"))
    from_folder = DiffusionDenoiser(str(tmp_path / "denoiser"))
    assert from_folder.identity() == from_checkpoint.identity()
    assert from_folder.trained_on == from_checkpoint.trained_on
    fit(training(), tmp_path / "plain")
    assert FrozenDenoiser(str(tmp_path / "plain/last.ckpt")).identity() != from_checkpoint.identity()


def test_the_folder_is_a_pipeline_of_diffusers(tmp_path: Path) -> None:
    fit(training(process=Diffusion({"prediction_type": "v_prediction"})), tmp_path, max_epochs=1)
    index = json.loads((tmp_path / "denoiser/model_index.json").read_text())
    assert index["_class_name"] == "DDPMPipeline"
    made = type(pipeline(tiny())).from_pretrained(tmp_path / "denoiser")
    assert made.scheduler.config.prediction_type == "v_prediction"
    assert made(num_inference_steps=2, output_type="np").images.shape == (1, 8, 8, 1)


class Halfway(pl.Callback):
    """Keeps a checkpoint of the first epoch."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == 0:
            trainer.save_checkpoint(Path(trainer.default_root_dir, "half.ckpt"))


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    fit(training(), tmp_path / "whole", callbacks=[EMAWeightAveraging(**EMA), Halfway()])
    half = tmp_path / "whole/half.ckpt"
    fit(training(), tmp_path / "again", callbacks=[EMAWeightAveraging(**EMA)], ckpt_path=half)
    whole, again, stopped = (
        FrozenDenoiser(str(path)).identity()
        for path in (tmp_path / "whole/last.ckpt", tmp_path / "again/last.ckpt", half)
    )
    assert again == whole != stopped


def test_a_training_resumes_with_the_same_examples(tmp_path: Path) -> None:
    """Otherwise the record would lack the first examples."""
    fit(training(), tmp_path, max_epochs=1)
    with pytest.raises(
        ValueError,
        match=r"ckpt_path has trained_on = Digits train\[599:\]; must be Digits train\[:599\]",
    ):
        fit(training(), tmp_path, Digits(training="train[:599]"), ckpt_path=tmp_path / "last.ckpt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "DenoiserTraining: seed = -1; must be at least 0"),
        ({"sigmas": [100.0]}, "Diffusion: sigma = 100.0; must be at most 78.7"),
        ({"process": GaussianNoise(0.25)}, "GaussianNoise: sigma = 0.5; must be 0.25"),
    ],
)
def test_arguments_out_of_their_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        training(**arguments)


@pytest.mark.parametrize("unet", [{"depth": 3}, UNET | {"norm_num_groups": 5}, UNET | {"layers_per_block": None}])
def test_a_unet_that_does_not_fit_is_refused(unet: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^DenoiserTraining: unet = .*; must be arguments of diffusers.UNet2DModel"):
        fit(training(unet=unet), tmp_path)


def test_sizes_that_the_unet_cannot_halve_are_refused(tmp_path: Path) -> None:
    three = {name: value * 2 if name.endswith(("types", "channels")) else value for name, value in UNET.items()}
    with pytest.raises(ValueError, match=r"must be arguments of diffusers.UNet2DModel for images of shape \[1, 8, 6\]"):
        fit(training(unet=three), tmp_path, Narrow(training="train[599:]"))


class Narrow(Digits):
    def load(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = super().load(train)
        return x[..., :6], y


def test_validation_says_how_well_images_are_denoised_and_shows_them(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, name="csv", version="")
    data = Digits(training="train[599:]", batch_size=16)
    grids = ImageGrids(columns=8, every_n_epochs=2)
    fit(training(), tmp_path, data, logger=logger, callbacks=[grids], limit_train_batches=1, limit_val_batches=1)
    header, *_ = (tmp_path / "csv/metrics.csv").read_text().splitlines()
    assert {"val/loss", "val/squared_error/0.5"} <= set(header.split(","))
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [
        "denoised-epoch=1.png",
        "generated-epoch=1.png",
    ]
