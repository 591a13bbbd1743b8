"""Gaussian noise as a process, denoised in one step."""

import torch
from torch import Tensor, nn

from lightning_modules.denoisers.process import Process, TrainingBatch
from smoothing.arguments import positive, refuse

TIME = 1000
"""Value of a standard deviation of 1 on the time scale of the UNet, for which embeddings of diffusers are made."""


class GaussianNoise(Process):
    """Images plus Gaussian noise, and a UNet that predicts the images (Salman et al. 2020, mean squared error).

    Args:
        sigma: Smallest standard deviation, on the scale [0, 1], above 0.
        largest: Largest standard deviation, at least ``sigma``. Training draws standard deviations uniformly between
            the two. Default: ``sigma``.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, sigma: float, largest: float | None = None) -> None:
        positive(self, sigma=sigma)
        if largest is not None:
            positive(self, largest=largest)
            if largest < sigma:
                refuse(self, "largest", largest, f"finite and at least sigma = {sigma}")
        self.sigma = sigma
        self.largest = sigma if largest is None else largest

    def applied_sigma(self, sigma: float) -> float:
        """Return the certified sigma; see `Process.applied_sigma`.

        Raises:
            ValueError: If the UNet was not trained for it.
        """
        if not self.sigma <= sigma <= self.largest:
            trained = f"{self.sigma}" if self.sigma == self.largest else f"within [{self.sigma}, {self.largest}]"
            raise ValueError(f"GaussianNoise: sigma = {sigma}; must be {trained}, which the denoiser was trained for")
        return sigma

    def training_batch(self, x: Tensor, generator: torch.Generator) -> TrainingBatch:
        """Add random noise; see `Process.training_batch`."""
        share = torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)
        sigma = self.sigma + (self.largest - self.sigma) * share
        rows = sigma.reshape(-1, 1, 1, 1)
        noisy = x + rows * torch.empty_like(x).normal_(generator=generator)
        return TrainingBatch(_level(noisy, rows), TIME * sigma, 2 * x - 1)

    def denoise(self, unet: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
        """See `Process.denoise`."""
        level = torch.tensor(sigma, device=noisy.device, dtype=noisy.dtype)
        output: Tensor = unet(_level(noisy, level), TIME * level).sample
        return ((output + 1) / 2).clamp(0, 1)


def _level(noisy: Tensor, sigma: Tensor) -> Tensor:
    """Return noisy images on the scale [-1, 1], scaled to the size of clean ones."""
    return (2 * noisy - 1) / (1 + 4 * sigma**2).sqrt()
