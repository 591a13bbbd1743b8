"""No denoiser."""

from torch import Tensor

from smoothing.measures import Denoiser, SmoothingMeasure


class NoDenoiser(Denoiser):
    """Leaves images as noisy as they are: plain noise, as in RAB (Weber et al. 2023), on the path of the others."""

    def applied_sigma(self, sigma: float) -> float:
        """Just what is certified."""
        return sigma

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        """The images themselves, ``(batch, channels, height, width)``."""
        return noisy

    def leaves(self, noise: SmoothingMeasure) -> SmoothingMeasure:
        """Images under that noise."""
        return noise
