"""Denoisers that were trained here and now stay as they are."""

from lightning_modules.denoisers.process import Process
from lightning_modules.denoisers.unet_denoiser import UNetDenoiser
from lightning_modules.networks.checkpoint import read_checkpoint, rebuilding
from lightning_modules.training.recipe import build
from smoothing.provenance.origin import Origin
from smoothing.votes.network import Precision, dtype_of

RECORD = "denoiser"
"""Key under which a checkpoint says what its denoiser is and has seen."""

WRITER = "DenoiserTraining"
"""Class that writes such checkpoints."""


class FrozenDenoiser(UNetDenoiser):
    """The UNet of a `DenoiserTraining`'s checkpoint, fixed for good.

    Args:
        base_ckpt: Path of the checkpoint; only weights and plain values are read from it.
        precision: Type of its weights and of what it is given.

    Raises:
        ValueError: If the file is not a checkpoint of a `DenoiserTraining`.
    """

    def __init__(self, base_ckpt: str, precision: Precision = "float32") -> None:
        dtype_of(precision, "FrozenDenoiser")
        read = read_checkpoint(self, base_ckpt, RECORD, WRITER)
        # Here, since diffusers takes seconds to import, which no other run should have to wait for.
        from diffusers import UNet2DModel

        with rebuilding(self, base_ckpt, WRITER):
            unet = UNet2DModel(**read.record["unet"])
            unet.load_state_dict(read.weights)
            process = build(read.record["process"], Process)  # type: ignore[type-abstract]
            trained_on = Origin.parse(read.record["trained_on"])
        super().__init__(unet, process, trained_on, precision)
        self.base_ckpt = base_ckpt
