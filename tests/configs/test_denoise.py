"""The configs of denoisers run, cut short."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest
import timm
import torch
import yaml
from diffusers import UNet2DModel
from safetensors.torch import save_file
from scipy.stats import norm
from torchvision.utils import save_image

from lightning_modules.denoisers import DiffusionDenoiser, FrozenDenoiser
from smoothing.certificates import Table
from smoothing.provenance.origin import Origin
from tests.front_door import launch
from tests.lightning_modules.denoisers.unets import pipeline, tiny

ROOT = Path(__file__).parents[2]
DRAWS = ["--model.certifiers.clopper_pearson.n0=8", "--model.certifiers.clopper_pearson.n=128"]
QUIET = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
ONE_STEP = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=1", "--trainer.limit_val_batches=1", *QUIET]


def offline() -> None:
    """Have the process look for nothing on the hub."""
    os.environ["HF_HUB_OFFLINE"] = "1"


BRIGHT = """
from datamodules import ImageFolder


class Bright(ImageFolder):
    'Images on the scale [0, 255].'

    def test_set(self):
        return [(index, 255 * x, label) for index, x, label in (super(Bright, self).test_set()[i] for i in range(4))]
"""


class Malice:
    """Does something when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, ("runs",)


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


@pytest.fixture
def images(workplace: Path) -> Path:
    """A folder of small pictures of two kinds, dark and light ones."""
    for part in ("train", "val"):
        for kind, level in (("dark", 0.2), ("light", 0.8)):
            folder = workplace / "pictures" / part / kind
            folder.mkdir(parents=True)
            for number in range(2):
                save_image(torch.full((3, 32, 32), level) + 0.1 * torch.rand(3, 32, 32), folder / f"{number}.png")
    return workplace / "pictures"


@pytest.fixture
def pretrained(workplace: Path, images: Path) -> list[str]:
    """Options by which the pictures are certified with a denoiser and a classifier that were written to disk."""
    for name in ("denoiser", "malice"):
        pipeline(tiny(3, 32)).save_pretrained(workplace / name)
    (workplace / "malice/unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save({"more": Malice()}, workplace / "malice/unet/diffusion_pytorch_model.bin")
    torch.save({"more": Malice()}, workplace / "malice.pth")
    (workplace / "bright.py").write_text(BRIGHT)
    network = timm.create_model("test_resnet", num_classes=2)
    # Of what the head sees, only the difference of two constants counts: light it is, always.
    with torch.no_grad():
        network.fc.weight.zero_()
        network.fc.bias.copy_(torch.tensor([0.0, 1.0]))
    save_file(network.state_dict(), workplace / "classifier.safetensors")
    classifier = "--model.votes.network.architecture."
    return [
        *("--model.measure.denoiser.path=denoiser", "--data.root=pictures"),
        *(f"{classifier}name=test_resnet", f"{classifier}num_classes=2", f"{classifier}weights=classifier.safetensors"),
    ]


def test_any_classifier_is_certified_behind_any_denoiser(workplace: Path, pretrained: list[str]) -> None:
    # Trained networks need no training set.
    rmtree(workplace / "pictures/train")
    command = ["certify", "--config", "configs/denoise/pretrained.yaml", *pretrained, *DRAWS, *QUIET]
    outcome = launch(command, workplace)
    assert outcome.status == 0, outcome.err
    rows = Table.read_csv(workplace / "runs/denoise/pretrained/certificates.csv").of("clopper_pearson")
    assert rows["prediction"].tolist() == [1, 1, 1, 1]
    assert rows["correct"].tolist() == [False, False, True, True]
    # All 128 votes of one class, under sigma = 0.25 and nothing else.
    assert rows["radius"].tolist() == pytest.approx([0.25 * norm.ppf(0.001 ** (1 / 128))] * 4, rel=1e-9)
    provenance = json.loads((workplace / "runs/denoise/pretrained/provenance.json").read_text())
    denoiser = DiffusionDenoiser(str(workplace / "denoiser"), "CIFAR10 train")
    assert provenance["checkpoint"].startswith(denoiser.identity() + "+")
    assert all("the denoiser, trained on CIFAR10 train, does not change" in said for said in rows["assumptions"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data.crop=28"], ["images of shape [3, 28, 28]", "must be [3, 32, 32]"]),
        (["--model.measure.measure.sigma=100"], ["sigma = 100", "at most 78.7", "schedule"]),
        (["--model.measure.denoiser.path=absent"], ["DiffusionDenoiser: path = absent", "folder"]),
        (["--model.measure.denoiser.path=pictures"], ["path = pictures", "scheduler_config.json"]),
        (["--model.measure.denoiser.path=malice"], ["path = malice", "safetensors or in a pickle of weights only"]),
        (["--model.votes.network.architecture.weights=malice.pth"], ["TimmModel: weights", "pickle of weights only"]),
        (["--data=bright.Bright"], ["test example 0: DiffusionDenoiser: pixels from", "must be within [0, 1]"]),
        (["--model.measure.denoiser.steps=0"], ["steps = 0", "at least 1"]),
        (["--model.measure.batch_size=0"], ["batch_size = 0", "at least 1"]),
        (["--model.measure=Gaussian", "--model.measure.sigma=.25"], ["Unchanged()", "Gaussian(sigma=0.25)"]),
        (
            ["--model.votes.network.architecture.weights=denoiser/model_index.json"],
            ["TimmModel: weights", "weights of"],
        ),
        (["--model.votes.network.outputs=[0,2]"], ["outputs = [0, 2]", "0 .. 1"]),
    ],
)
def test_what_does_not_go_together_is_one_line(
    options: list[str], said: list[str], workplace: Path, pretrained: list[str]
) -> None:
    command = ["certify", "--config", "configs/denoise/pretrained.yaml", *pretrained, *options, *QUIET]
    outcome = launch(command, workplace, before=offline)
    assert (outcome.status, outcome.out) == (2, ""), outcome.err
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert all(words in line for words in said), line
    assert not (workplace / "runs").exists()


def test_a_denoiser_of_digits_is_learned(workplace: Path) -> None:
    outcome = launch(["fit", "--config", "configs/denoise/digits_ddpm.yaml", *ONE_STEP], workplace)
    assert outcome.status == 0, outcome.err
    run = workplace / "runs/denoise/digits_ddpm"
    folder, kept = (DiffusionDenoiser(str(path)) for path in (run / "denoiser", ROOT / "results/digits_ddpm"))
    assert folder.identity() == FrozenDenoiser(str(run / "checkpoints/last.ckpt")).identity()
    assert folder.trained_on == kept.trained_on
    assert folder.unet.config["block_out_channels"] == kept.unet.config["block_out_channels"]
    assert folder.process.scheduler == kept.process.scheduler


def test_the_training_of_a_denoiser_is_resumed(workplace: Path) -> None:
    """The network is built for the data, after the checkpoint is first looked at."""
    command = ["fit", "--config", "configs/denoise/digits_ddpm.yaml", *ONE_STEP]
    assert launch(command, workplace).status == 0
    last = workplace / "runs/denoise/digits_ddpm/checkpoints/last.ckpt"
    resumed = launch([*command, "--trainer.max_epochs=2", f"--ckpt_path={last}"], workplace)
    assert resumed.status == 0, resumed.err
    assert torch.load(last, weights_only=True)["global_step"] == 2
    other = launch([*command, "--model.unet.block_out_channels=[16,32]", f"--ckpt_path={last}"], workplace)
    assert other.status == 2
    assert "DenoiserTraining: ckpt_path has unet = " in other.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model.unet.depth=3"], ["DenoiserTraining: unet", "unexpected keyword argument"]),
        (["--model.unet.norm_num_groups=5"], ["DenoiserTraining: unet", "divisible"]),
        (["--model.process.class_path=GaussianNoise", "--model.process.sigma=0.25"], ["sigma = 0.1; must be 0.25"]),
        (["--data.training=train[:2000]"], ["Digits train[:2000]", "1198"]),
    ],
)
def test_a_training_that_cannot_be_is_one_line(options: list[str], said: list[str], workplace: Path) -> None:
    outcome = launch(["fit", "--config", "configs/denoise/digits_ddpm.yaml", *ONE_STEP, *options], workplace)
    assert outcome.status == 2, outcome.err
    # Lightning may warn before it trains.
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert all(words in line for words in said), line


@pytest.mark.slow
def test_a_denoiser_of_mnist_is_learned_and_a_clean_classifier_certified_behind_it(
    mnist_root: Path, workplace: Path
) -> None:
    learned = launch(["fit", "--config", "configs/denoise/mnist_ddpm.yaml", *ONE_STEP], workplace)
    assert learned.status == 0, learned.err
    config = ["--config", "configs/denoise/mnist_test_time.yaml"]
    fitted = launch(["fit", *config, *ONE_STEP], workplace)
    assert fitted.status == 0, fitted.err
    few = ["--data.every=5000", "--base_ckpt=runs/mnist_clean/checkpoints/lenet.ckpt"]
    certified = launch(["certify", *config, *few, *DRAWS, *QUIET], workplace)
    assert certified.status == 0, certified.err
    rows = Table.read_csv(workplace / "runs/denoise/mnist_test_time/certificates.csv").of("clopper_pearson")
    assert rows["index"].tolist() == [0, 5000]
    assert all("trained on MNIST train[30000:]" in said for said in rows["assumptions"])
    bare = ["--model.measure=Gaussian", "--model.measure.sigma=0.5", "--run_dir=bare"]
    refused = launch(["certify", *config, *few, *bare, *QUIET], workplace)
    assert refused.status == 2
    assert "was trained under Unchanged() and the measure is Gaussian(sigma=0.5)" in refused.err


@pytest.mark.slow
def test_a_denoiser_of_cifar10_is_learned(data_root: Path, workplace: Path) -> None:
    if not (data_root / "cifar-10-batches-py").is_dir():
        pytest.skip(f"no CIFAR-10 in SMOOTHING_DATA={data_root}")
    small = ["--model.unet.block_out_channels=[32,32,32,32]", "--data.batch_size=4", "--data.num_workers=0"]
    seldom = ["--trainer.check_val_every_n_epoch=1", "--trainer.precision=32"]
    outcome = launch(["fit", "--config", "configs/denoise/cifar10_ddpm.yaml", *ONE_STEP, *small, *seldom], workplace)
    assert outcome.status == 0, outcome.err
    assert (workplace / "runs/denoise/cifar10_ddpm/denoiser/trained_on.txt").read_text() == "CIFAR10 train\n"


def test_the_small_denoiser_of_cifar10_has_a_million_weights() -> None:
    config = yaml.safe_load((ROOT / "configs/denoise/cifar10_ddpm_small.yaml").read_text())
    unet = UNet2DModel(**config["model"]["init_args"]["unet"], in_channels=3, out_channels=3, sample_size=32)
    assert unet.num_parameters() == 1_004_043


@pytest.mark.slow
def test_the_small_denoiser_of_cifar10_is_learned(data_root: Path, workplace: Path) -> None:
    if not (data_root / "cifar-10-batches-py").is_dir():
        pytest.skip(f"no CIFAR-10 in SMOOTHING_DATA={data_root}")
    command = ["fit", "--config", "configs/denoise/cifar10_ddpm_small.yaml", "--data.batch_size=4"]
    steps = ["--trainer.callbacks=ModelCheckpoint", "--trainer.callbacks.save_last=true", *QUIET]
    few = ["--trainer.limit_train_batches=1", "--trainer.limit_val_batches=1", "--trainer.check_val_every_n_epoch=1"]
    outcome = launch([*command, *steps, *few, "--trainer.max_epochs=1"], workplace)
    assert outcome.status == 0, outcome.err
    run = workplace / "runs/denoise/cifar10_ddpm_small"
    assert DiffusionDenoiser(str(run / "denoiser")).trained_on == (Origin.parse("CIFAR10 train"),)


@pytest.mark.ddp
@pytest.mark.slow
def test_two_ranks_learn_one_denoiser_in_half_precision(workplace: Path) -> None:
    ranks = ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.precision=bf16-mixed"]
    command = [sys.executable, "-m", "smoothing", "fit", "--config", "configs/denoise/digits_ddpm.yaml"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*command, *QUIET, *ranks, "--trainer.max_epochs=2"], cwd=workplace, env=env, capture_output=True, timeout=600
    )
    assert ended.returncode == 0, ended.stderr.decode()
    run = workplace / "runs/denoise/digits_ddpm"
    # Each rank has half of the 540 examples that are not for validation, in batches of 64.
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2 * 5
    identities = [
        FrozenDenoiser(str(run / "checkpoints/last.ckpt")).identity(),
        DiffusionDenoiser(str(run / "denoiser")).identity(),
    ]
    assert identities[0] == identities[1]
