"""Gaussian noise followed by a denoiser."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.arguments import at_least, is_floating, is_generator
from smoothing.distance import Distance
from smoothing.measures.additive import Gaussian
from smoothing.measures.denoiser import Denoiser
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.padding import filled
from smoothing.numerics.rounding import Float
from smoothing.numerics.rowwise import check_rowwise
from smoothing.numerics.threads import batchwise, one_thread
from smoothing.privacy_loss import PrivacyLoss


class DenoisedMeasure(SmoothingMeasure):
    """Images with Gaussian noise, denoised (Salman et al. 2020; Carlini et al. 2022; Hong et al. 2024).

    Denoising is post-processing of the noise. It cannot increase the privacy loss, so law and distance are those of the
    noise (THEORY.md section 6). The applied noise may be stronger than the certified noise, never weaker.

    An object is one image ``(channels, height, width)`` or many images ``(..., channels, height, width)``, for example
    a training set. Images are denoised in batches of one size, each on one thread. A sample therefore has the same bits
    for any number of draws and threads.

    Args:
        measure: The noise that is certified.
        denoiser: The denoiser.
        batch_size: Number of images per batch, at least 1. The last batch is padded.

    Raises:
        ValueError: If the denoiser does not support noise of this size, applies less noise, or ``batch_size`` is below
            1.

    Attributes:
        applied_sigma: Standard deviation of the applied noise, at least that of ``measure``.
    """

    def __init__(self, measure: Gaussian, denoiser: Denoiser, batch_size: int = 128) -> None:
        at_least(self, 1, batch_size=batch_size)
        self.measure = measure
        self.denoiser = denoiser.eval().requires_grad_(False)
        self.batch_size = batch_size
        self.assumptions = (*measure.assumptions, *denoiser.assumptions)
        self.checkpoint = denoiser.identity()
        self.trained_on = denoiser.trained_on
        self._checked: set[torch.Size] = set()
        self.applied_sigma = denoiser.applied_sigma(measure.sigma)
        if not self.applied_sigma >= measure.sigma:
            raise ValueError(
                f"{type(denoiser).__name__}: applied_sigma = {self.applied_sigma}; "
                f"must be at least {measure.sigma}, which is certified"
            )

    @property
    def distance(self) -> Distance:
        """Distance of the noise."""
        return self.measure.distance

    @property
    def resembles(self) -> SmoothingMeasure:
        """Measure with samples similar to denoised images; see `Denoiser.leaves`."""
        return self.denoiser.leaves(self.measure)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the privacy loss of the noise."""
        return self.measure.privacy_loss(radius, shape)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Return the radius of the noise."""
        return self.measure.closed_form_radius(log_fail, log_rival, shape)

    def check(self, z: Tensor) -> None:
        """Raise if the denoiser does not accept the images, or mixes images of a batch.

        Raises:
            ValueError: If the denoiser does not accept the shape or the scale of the images, or if the denoised version
                of an image depends on other images of its batch.
        """
        is_floating(self, z=z)
        self.denoiser.check(z)
        shape = z.shape[-3:]
        if shape not in self._checked and self.batch_size > 1:
            image = z.reshape(-1, *shape)[:1]
            denoiser = self.denoiser.to(z.device)
            with one_thread():
                check_rowwise(
                    type(denoiser).__name__, denoiser, lambda batch: denoiser(batch, self.measure.sigma), image
                )
            self._checked.add(shape)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one denoised version of ``z``.

        Raises:
            ValueError: If the denoiser does not accept the images.
        """
        is_floating(self, z=z)
        self.denoiser.check(z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one denoised version of each object; see `SmoothingMeasure.sample_each`.

        Raises:
            ValueError: If the denoiser does not accept the images.
        """
        is_generator(self, generator)
        is_floating(self, z=z)
        self.denoiser.check(z)
        images = z.reshape(-1, *z.shape[-3:])
        noisy = [self._noisy(some, generator) for some in images.split(self.batch_size)]
        denoiser = self.denoiser.to(z.device)
        denoised = batchwise(lambda some: denoiser(some, self.measure.sigma), noisy)
        return denoised[: len(images)].reshape(z.shape)

    def _noisy(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return a full batch of noisy images. Noise is drawn for padding as well, whatever the number of images."""
        batch = filled(images, self.batch_size)
        # At least single precision, as in AdditiveNoise. With a factor of 1 the noise is exactly the certified one.
        wide = batch.to(torch.promote_types(batch.dtype, torch.float32))
        noise = self.measure.draw(wide, generator) * (self.applied_sigma / self.measure.sigma)
        return (wide + noise).to(batch.dtype)
