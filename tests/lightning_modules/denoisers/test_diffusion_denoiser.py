import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, ScoreSdeVeScheduler, UNet2DModel

from lightning_modules.denoisers import DiffusionDenoiser
from lightning_modules.training.recipe import build, describe
from smoothing.measures import DenoisedMeasure, Denoiser, Gaussian
from smoothing.numerics.random import generator
from smoothing.provenance.origin import Origin
from tests.lightning_modules.denoisers.unets import pipeline, tiny

LSUN = "LSUN train"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    pipeline(tiny(3, 16)).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    shutil.copytree(saved, tmp_path / "denoiser")
    return tmp_path / "denoiser"


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def denoised(folder: Path, **arguments: Any) -> torch.Tensor:
    images = torch.linspace(0, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    with torch.no_grad():
        made: torch.Tensor = DiffusionDenoiser(str(folder), LSUN, **arguments)(images, 0.25)
    return made


def test_a_pipeline_on_disk(folder: Path) -> None:
    denoiser = DiffusionDenoiser(str(folder), LSUN)
    assert denoiser.image_shape == (3, 16, 16)
    assert denoiser.applied_sigma(0.25) == pytest.approx(0.2516, abs=5e-5)
    assert denoiser.assumptions == ("the denoiser, trained on LSUN train, does not change",)
    assert not any(parameter.requires_grad for parameter in denoiser.parameters())
    assert not any(module.training for module in denoiser.train().modules())
    image = denoised(folder)
    assert image.shape == (1, 3, 16, 16)
    assert 0 <= image.min() < image.max() <= 1


def test_files_of_both_parts_in_one_folder_are_the_same_model(folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for part in ("unet", "scheduler"):
        for file in (folder / part).iterdir():
            shutil.copy(file, flat)
    assert torch.equal(denoised(flat), denoised(folder))
    identities = {DiffusionDenoiser(str(where), LSUN).identity() for where in (flat, folder)}
    assert len(identities) == 1


def test_identity_is_that_of_weights_and_schedule(folder: Path) -> None:
    first = DiffusionDenoiser(str(folder), LSUN).identity()
    assert len(first) == 64
    assert DiffusionDenoiser(str(folder), LSUN, steps=2).identity() != first
    change(folder / "scheduler/scheduler_config.json", beta_end=0.03)
    assert DiffusionDenoiser(str(folder), LSUN).identity() != first
    change(folder / "scheduler/scheduler_config.json", beta_end=0.02)
    assert DiffusionDenoiser(str(folder), LSUN).identity() == first
    unet = tiny(3, 16)
    unet.conv_out.bias.data += 1e-6
    unet.save_pretrained(folder / "unet")
    assert DiffusionDenoiser(str(folder), LSUN).identity() != first


@pytest.mark.parametrize("kind", ["sample", "v_prediction"])
def test_the_folder_defines_the_prediction(folder: Path, kind: str) -> None:
    usual = denoised(folder)
    change(folder / "scheduler/scheduler_config.json", prediction_type=kind)
    assert not torch.allclose(denoised(folder), usual)


def test_other_samplers_and_schedules(folder: Path) -> None:
    DDIMScheduler(beta_schedule="squaredcos_cap_v2", num_train_timesteps=400).save_pretrained(folder / "scheduler")
    denoiser = DiffusionDenoiser(str(folder), LSUN)
    assert denoiser.process.step(0.25) == 115
    assert denoiser.applied_sigma(0.25) >= 0.25


def test_learned_variance(folder: Path) -> None:
    tiny(3, 16, out_channels=6).save_pretrained(folder / "unet")
    assert denoised(folder).shape == (1, 3, 16, 16)


def test_any_size_where_the_unet_names_none(folder: Path) -> None:
    tiny(3, None).save_pretrained(folder / "unet")
    denoiser = DiffusionDenoiser(str(folder), LSUN)
    denoiser.check(torch.zeros(3, 40, 24))
    with pytest.raises(ValueError, match=r"images of shape \[1, 40, 24\]; must be \[3, any, any\]"):
        denoiser.check(torch.zeros(1, 40, 24))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_near(folder: Path, precision: str) -> None:
    torch.testing.assert_close(denoised(folder, precision=precision), denoised(folder), rtol=0, atol=0.05)


def test_it_can_be_described_and_built_again(folder: Path) -> None:
    denoiser = DiffusionDenoiser(str(folder), LSUN, steps=2)
    again = build(describe(denoiser), Denoiser)
    assert again.identity() == denoiser.identity()


def test_the_training_examples_must_be_named(folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^DiffusionDenoiser: training_set is not given; must name what .* 'CIFAR10 train'"
    ):
        DiffusionDenoiser(str(folder))
    (folder / "trained_on.txt").write_text("MNIST train[30000:]\n")
    denoiser = DiffusionDenoiser(str(folder))
    assert [str(seen) for seen in denoiser.trained_on] == ["MNIST train[30000:]"]
    with pytest.raises(ValueError, match=r"training_set = LSUN; must be MNIST train\[30000:\], as in .*.txt$"):
        DiffusionDenoiser(str(folder), "LSUN")
    assert DiffusionDenoiser(str(folder), "MNIST train[30000:]").trained_on == denoiser.trained_on
    measure = DenoisedMeasure(Gaussian(0.25), denoiser)
    assert measure.trained_on == denoiser.trained_on
    for attacked, seen in (("MNIST train[:30000]", False), ("MNIST train[:30001]", True), ("MNIST", True)):
        assert any(origin.overlaps(Origin.parse(attacked)) for origin in measure.trained_on) is seen


class Malice:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, ("run",)


def test_a_pickle_of_weights_is_read_and_any_other_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    usual = denoised(folder)
    weights = folder / "unet/diffusion_pytorch_model.bin"
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save(tiny(3, 16).state_dict(), weights)
    assert torch.equal(denoised(folder), usual)
    torch.save(tiny(3, 16).state_dict() | {"more": Malice()}, weights)
    with pytest.raises(ValueError, match=r"^DiffusionDenoiser: path = .*safetensors or in a pickle of weights only$"):
        denoised(folder)
    assert not Path("run").exists()


def _conditional(folder: Path) -> None:
    tiny(3, 16, num_class_embeds=10).save_pretrained(folder / "unet")


def _unknown_channels(folder: Path) -> None:
    tiny(3, 16, out_channels=5).save_pretrained(folder / "unet")


def _another_network(folder: Path) -> None:
    change(folder / "unet/config.json", _class_name="UNet2DConditionModel")


def _exploding(folder: Path) -> None:
    ScoreSdeVeScheduler().save_pretrained(folder / "scheduler")


def _no_schedule(folder: Path) -> None:
    config = json.loads((folder / "scheduler/scheduler_config.json").read_text())
    del config["beta_schedule"], config["trained_betas"]
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(config))


def _no_config(folder: Path) -> None:
    (folder / "unet/config.json").unlink()


def _torn_config(folder: Path) -> None:
    (folder / "scheduler/scheduler_config.json").write_text("{")


def _other_weights(folder: Path) -> None:
    weights = tiny(3, 16, block_out_channels=(8, 16)).state_dict()
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save(weights, folder / "unet/diffusion_pytorch_model.bin")


def _torn_weights(folder: Path) -> None:
    file = folder / "unet/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])


def _missing_weight(folder: Path) -> None:
    weights = tiny(3, 16).state_dict()
    del weights["conv_in.weight"]
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save(weights, folder / "unet/diffusion_pytorch_model.bin")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_conditional, "needs the class of an image; must be unconditional"),
        (_unknown_channels, "out_channels = 5; must be in_channels = 3, or twice that"),
        (_another_network, "is the config of a UNet2DConditionModel; must be that of a UNet2DModel"),
        (_exploding, "is the config of a ScoreSdeVeScheduler; must be that of a .*DDPMScheduler"),
        (_no_schedule, "scheduler_config.json has no beta_schedule; must have one"),
        (_no_config, "must hold config.json in the format of diffusers"),
        (_torn_config, "must hold scheduler_config.json in the format of diffusers"),
        (_other_weights, "must hold the weights of its config"),
        (_torn_weights, "must hold the weights of its config"),
        (_missing_weight, "must hold the weights of its config"),
    ],
)
def test_what_is_no_such_model_is_refused(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(ValueError, match=f"^DiffusionDenoiser: .*{message}"):
        denoised(folder)


def test_what_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for absent in (str(tmp_path / "absent"), "nobody/nothing"):
        with pytest.raises(
            ValueError, match=r"^DiffusionDenoiser: path = .*; must be a folder, or a repository on the"
        ):
            DiffusionDenoiser(absent, LSUN)
    torch.save({"input_blocks.0.0.weight": torch.zeros(1)}, tmp_path / "cifar10_uncond_50M_500K.pt")
    with pytest.raises(
        ValueError, match=r"must be a folder in the format of diffusers, .* improved-diffusion and guided"
    ):
        DiffusionDenoiser(str(tmp_path / "cifar10_uncond_50M_500K.pt"), LSUN)


def test_a_repository_of_the_hub_is_read_from_its_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda path, allow_patterns: str(folder))
    assert torch.equal(denoised(Path("google/ddpm-cifar10-32")), denoised(folder))


def test_the_unet_is_that_of_diffusers(folder: Path) -> None:
    assert isinstance(DiffusionDenoiser(str(folder), LSUN).unet, UNet2DModel)


@pytest.mark.gpu
def test_an_accelerator_denoises_as_the_processor_does(folder: Path) -> None:
    measure = DenoisedMeasure(Gaussian(0.25), DiffusionDenoiser(str(folder), LSUN, steps=2), batch_size=4)
    z = torch.rand(6, 3, 16, 16)
    noisy = z + 0.25 * torch.randn(z.shape)
    on_processor = measure.denoiser(noisy, 0.25)
    sample = measure.sample_each(z.cuda(), generator((1,), "cuda"))
    assert (sample.shape, sample.device.type) == (z.shape, "cuda")
    assert torch.equal(measure.sample_each(z[:3].cuda(), generator((1,), "cuda")), sample[:3])
    torch.testing.assert_close(measure.denoiser(noisy.cuda(), 0.25).cpu(), on_processor, rtol=0, atol=1e-3)
