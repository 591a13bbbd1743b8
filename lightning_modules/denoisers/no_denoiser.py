"""The absence of a denoiser."""

from torch import Tensor

from smoothing.measures import Denoiser, SmoothingMeasure


class NoDenoiser(Denoiser):
    """Returns noisy images unchanged: plain noise, as in RAB (Weber et al. 2023)."""

    def applied_sigma(self, sigma: float) -> float:
        """Return the certified sigma."""
        return sigma

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        """Return the images unchanged, ``(batch, channels, height, width)``."""
        return noisy

    def leaves(self, noise: SmoothingMeasure) -> SmoothingMeasure:
        """Return the noise itself."""
        return noise
