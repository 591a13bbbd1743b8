"""Undoing Gaussian noise in one go."""

import torch
from torch import Tensor, nn

from lightning_modules.denoisers.process import Lesson, Process
from smoothing.arguments import positive, refuse

TIME = 1000
"""What a standard deviation of 1 is on the UNet's scale of time, which the embeddings of diffusers are made for."""


class GaussianNoise(Process):
    """Images plus Gaussian noise, and a UNet that says what they were (Salman et al. 2020, mean squared error).

    Args:
        sigma: Standard deviation, on the scale [0, 1], above 0: the least.
        largest: The largest standard deviation, at least ``sigma``; they are drawn evenly from between the two. Only
            ``sigma`` itself unless given.

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
        """Just what is certified; see `Process.applied_sigma`.

        Raises:
            ValueError: If that is none it was trained for.
        """
        if not self.sigma <= sigma <= self.largest:
            trained = f"{self.sigma}" if self.sigma == self.largest else f"within [{self.sigma}, {self.largest}]"
            raise ValueError(f"GaussianNoise: sigma = {sigma}; must be {trained}, which the denoiser was trained for")
        return sigma

    def lesson(self, x: Tensor, generator: torch.Generator) -> Lesson:
        """Images under random noise; see `Process.lesson`."""
        share = torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)
        sigma = self.sigma + (self.largest - self.sigma) * share
        rows = sigma.reshape(-1, 1, 1, 1)
        noisy = x + rows * torch.empty_like(x).normal_(generator=generator)
        return Lesson(_level(noisy, rows), TIME * sigma, 2 * x - 1)

    def denoise(self, unet: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
        """See `Process.denoise`."""
        level = torch.tensor(sigma, device=noisy.device, dtype=noisy.dtype)
        said: Tensor = unet(_level(noisy, level), TIME * level).sample
        return ((said + 1) / 2).clamp(0, 1)


def _level(noisy: Tensor, sigma: Tensor) -> Tensor:
    """Noisy images on the scale [-1, 1], made as large as clean ones are."""
    return (2 * noisy - 1) / (1 + 4 * sigma**2).sqrt()
