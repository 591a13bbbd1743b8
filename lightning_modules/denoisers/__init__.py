"""Denoisers, and the processes by which they add and remove noise.

Add here subclasses of `smoothing.measures.Denoiser` or `Process`. Their training is in `lightning_modules.training`.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.denoisers.diffusion import Diffusion
    from lightning_modules.denoisers.diffusion_denoiser import DiffusionDenoiser
    from lightning_modules.denoisers.frozen_denoiser import FrozenDenoiser
    from lightning_modules.denoisers.gaussian_noise import GaussianNoise
    from lightning_modules.denoisers.no_denoiser import NoDenoiser
    from lightning_modules.denoisers.process import Process
    from lightning_modules.denoisers.unet_denoiser import UNetDenoiser

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "Diffusion",
    "DiffusionDenoiser",
    "FrozenDenoiser",
    "GaussianNoise",
    "NoDenoiser",
    "Process",
    "UNetDenoiser",
]
