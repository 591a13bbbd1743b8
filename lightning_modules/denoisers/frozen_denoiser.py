"""Denoisers loaded from checkpoints."""

from lightning_modules.denoisers.process import Process
from lightning_modules.denoisers.unet_denoiser import UNetDenoiser
from lightning_modules.networks.checkpoint import read_checkpoint, rebuilding
from lightning_modules.training.recipe import build
from smoothing.provenance.origin import Origin
from smoothing.votes.network import Precision, dtype_of

RECORD = "denoiser"
"""Key of the record in a checkpoint: UNet, process and training examples."""

WRITER = "DenoiserTraining"
"""Class that writes such checkpoints."""


class FrozenDenoiser(UNetDenoiser):
    """The UNet in a checkpoint of a `DenoiserTraining`, frozen.

    Args:
        base_ckpt: Path of the checkpoint. Only weights and plain values are read from it.
        precision: Type of the weights and inputs of the UNet.

    Raises:
        ValueError: If the file is not a checkpoint of a `DenoiserTraining`.
    """

    def __init__(self, base_ckpt: str, precision: Precision = "float32") -> None:
        dtype_of(precision, "FrozenDenoiser")
        read = read_checkpoint(self, base_ckpt, RECORD, WRITER)
        # Imported here, since importing diffusers takes seconds.
        from diffusers import UNet2DModel

        with rebuilding(self, base_ckpt, WRITER):
            unet = UNet2DModel(**read.record["unet"])
            unet.load_state_dict(read.weights)
            process = build(read.record["process"], Process)  # type: ignore[type-abstract]
            trained_on = Origin.parse(read.record["trained_on"])
        super().__init__(unet, process, trained_on, precision)
        self.base_ckpt = base_ckpt
