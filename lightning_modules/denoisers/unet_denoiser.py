"""The base class of denoisers with a UNet."""

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn

from lightning_modules.denoisers.process import Process
from lightning_modules.networks.checkpoint import digest
from lightning_modules.networks.frozen import Frozen
from lightning_modules.training.recipe import describe
from smoothing.arguments import instance
from smoothing.measures import Denoiser
from smoothing.provenance.origin import Origin
from smoothing.votes.network import Precision, dtype_of, warn_if_emulated


class UNetDenoiser(Frozen, Denoiser):
    """A trained UNet, frozen, and its process.

    Args:
        unet: A `diffusers.UNet2DModel`.
        process: Adds and removes noise.
        trained_on: Examples that the UNet was trained on.
        precision: Type of the weights and inputs of the UNet.

    Raises:
        ValueError: If the UNet has unsuitable channels or needs classes, or an argument is out of its range.
    """

    def __init__(self, unet: nn.Module, process: Process, trained_on: Origin, precision: Precision) -> None:
        super().__init__()
        instance(self, nn.Module, unet=unet)
        instance(self, Process, process=process)
        instance(self, Origin, trained_on=trained_on)
        name, config = type(self).__name__, cast(Mapping[str, Any], unet.config)
        self._dtype = dtype_of(precision, name)
        channels, outputs = config["in_channels"], config["out_channels"]
        if outputs not in (channels, 2 * channels):
            raise ValueError(f"{name}: out_channels = {outputs}; must be in_channels = {channels}, or twice that")
        if config.get("num_class_embeds") is not None or config.get("class_embed_type") is not None:
            raise ValueError(f"{name}: the UNet needs the class of an image; must be unconditional")
        size = config["sample_size"]
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        self.image_shape = (channels, height, width)
        self.trained_on = (trained_on,)
        self.precision = precision
        self.process = process
        described = {key: value for key, value in config.items() if not key.startswith("_")}
        self._identity = digest(unet, [described, describe(process)])
        # Weights that are mapped from a file may have an alignment for which kernels round differently.
        for weight in unet.parameters():
            weight.data = weight.data.clone()
        self.unet = unet
        self.to(self._dtype).requires_grad_(False).train(False)

    def applied_sigma(self, sigma: float) -> float:
        """Return the noise that the process applies."""
        return self.process.applied_sigma(sigma)

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        """Denoise images ``(batch, channels, height, width)``; see `Denoiser.forward`."""
        warn_if_emulated(self._dtype, noisy.device)
        denoised = self.process.denoise(self.unet, noisy.to(self._dtype), sigma)
        return denoised.to(noisy.dtype)

    def identity(self) -> str:
        """Return the SHA-256 over process, config and weights, in hexadecimal, for any source of the weights."""
        return self._identity
