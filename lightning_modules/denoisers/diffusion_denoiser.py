"""Denoisers in the format of diffusers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any

from torch import nn

from lightning_modules.denoisers.diffusion import Diffusion
from lightning_modules.denoisers.unet_denoiser import UNetDenoiser
from lightning_modules.networks.hub import hub
from smoothing.arguments import at_least, instance, text
from smoothing.provenance.origin import Origin
from smoothing.votes.network import Precision, dtype_of

TRAINED_ON = "trained_on.txt"
"""File, in the folder of a denoiser trained by this project, that names its training examples."""

FILES = ["*.json", "*.safetensors", "*.bin"]
"""Patterns of files to download from the hub."""


class DiffusionDenoiser(UNetDenoiser):
    """An unconditional diffusion model of diffusers as a denoiser (Carlini et al. 2022).

    A folder holds the subfolders ``unet`` and ``scheduler``, as in saved pipelines, or the files of both, as in early
    releases. Any variance-preserving noise schedule is supported. The UNet may predict noise, image or velocity, and
    also their variance.

    Args:
        path: Path of the folder, or the name of a repository on the hub, for example ``"google/ddpm-cifar10-32"``.
        training_set: Name of the examples that the model was trained on, for example ``"CIFAR10 train"`` or ``"LSUN"``;
            default: the name in the folder.
        steps: Number of denoising steps, at least 1; see `Diffusion`.
        precision: Type of the weights and inputs of the UNet.

    Raises:
        ValueError: If the folder does not hold such a model, cannot be downloaded, or an argument is out of its range;
            if the training examples are unknown, or the folder names others.
    """

    def __init__(
        self, path: str, training_set: str | None = None, steps: int = 1, precision: Precision = "float32"
    ) -> None:
        text(self, path=path)
        instance(self, (str, NoneType), training_set=training_set)
        at_least(self, 1, steps=steps)
        dtype_of(precision, "DiffusionDenoiser")
        folder = _folder(path)
        unet, scheduler = (_part(folder, name) for name in ("unet", "scheduler"))
        process = Diffusion(_scheduler(path, scheduler), steps)
        super().__init__(_unet(path, unet), process, _origin(folder, path, training_set), precision)
        self.path = path
        self.training_set = training_set
        self.steps = steps


def _folder(path: str) -> Path:
    if Path(path).is_dir():
        return Path(path)
    if Path(path).exists():
        raise ValueError(
            f"DiffusionDenoiser: path = {path}; must be a folder in the format of diffusers, or a repository on the "
            "hub. Convert files of improved-diffusion and guided-diffusion first, with the script "
            "scripts/convert_consistency_to_diffusers.py in the repository of diffusers"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        with hub():
            return Path(snapshot_download(path, allow_patterns=FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(
            f"DiffusionDenoiser: path = {path}; must be a folder, or a repository on the hub that can be downloaded. "
            "Without a network, download the repository elsewhere and set path to its folder, with the subfolders unet "
            "and scheduler"
        ) from error


def _part(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _config(path: str, file: Path, kinds: tuple[str, ...]) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        kind = config["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"DiffusionDenoiser: path = {path}; must hold {file.name} in the format of diffusers"
        ) from error
    if kind not in kinds:
        raise ValueError(f"DiffusionDenoiser: {file} is the config of a {kind}; must be that of a {' or '.join(kinds)}")
    return {key: value for key, value in config.items() if not key.startswith("_")}


def _scheduler(path: str, folder: Path) -> dict[str, Any]:
    """Return the noise schedule of the training, without the settings of other samplers."""
    from diffusers import DDPMScheduler

    # Several samplers may be saved with one model. All of these share the schedules of training.
    kinds = sorted({"DDPMScheduler", *DDPMScheduler._compatibles})
    config = _config(path, folder / "scheduler_config.json", tuple(kinds))
    if not config.keys() & {"beta_schedule", "trained_betas"}:
        raise ValueError(f"DiffusionDenoiser: {folder}/scheduler_config.json has no beta_schedule; must have one")
    known = DDPMScheduler().config.keys()
    return {key: value for key, value in config.items() if key in known}


def _unet(path: str, folder: Path) -> nn.Module:
    from diffusers import UNet2DModel

    _config(path, folder / "config.json", ("UNet2DModel",))
    message = (
        f"DiffusionDenoiser: path = {path}; must hold the weights of its config, as safetensors or in a pickle of "
        "weights only"
    )
    try:
        with _silence():
            unet, found = UNet2DModel.from_pretrained(
                folder,
                local_files_only=True,
                low_cpu_mem_usage=False,
                use_safetensors=any(folder.glob("*.safetensors*")),
                output_loading_info=True,
            )
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise ValueError(message) from error
    # Missing weights would be random.
    if any(found[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")):
        raise ValueError(message)
    made: nn.Module = unet
    return made


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress messages of diffusers: errors are raised here."""
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _origin(folder: Path, path: str, training_set: str | None) -> Origin:
    recorded = folder / TRAINED_ON
    if training_set is None and not recorded.is_file():
        raise ValueError(
            f"DiffusionDenoiser: training_set is not given; must name what {path} was trained on, for example "
            "'CIFAR10 train'"
        )
    if training_set is None:
        return Origin.parse(recorded.read_text(encoding="utf-8"))
    given = Origin.parse(training_set)
    if recorded.is_file() and given != (known := Origin.parse(recorded.read_text(encoding="utf-8"))):
        raise ValueError(f"DiffusionDenoiser: training_set = {given}; must be {known}, as in {recorded}")
    return given
