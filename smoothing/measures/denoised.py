"""Gaussian noise, and a denoiser after it."""

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
    """Images plus Gaussian noise, denoised (Salman et al. 2020; Carlini et al. 2022; Hong et al. 2024).

    The denoiser comes after the noise, so that what two objects' versions can be told apart by does not grow: law and
    distance are those of the noise (THEORY.md section 6). It may be given more noise than is certified, never less.

    An object is one image ``(channels, height, width)``, or many, ``(..., channels, height, width)``, as a training
    set is. Images are denoised in batches of one size, each on one thread, so that a version has the same bits however
    many are drawn, and whatever the number of threads.

    Args:
        measure: The noise whose guarantee holds.
        denoiser: What follows it.
        batch_size: Images that are denoised at a time, at least 1; the last batch is filled up.

    Raises:
        ValueError: If the denoiser knows no noise that large, or asks for less, or the batch size is not positive.

    Attributes:
        applied_sigma: Standard deviation of the noise that the denoiser is given, at least that of ``measure``.
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
        """The distance of the noise."""
        return self.measure.distance

    @property
    def resembles(self) -> SmoothingMeasure:
        """What the denoiser is meant to leave."""
        return self.denoiser.leaves(self.measure)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """The law of the noise."""
        return self.measure.privacy_loss(radius, shape)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """The radius of the noise."""
        return self.measure.closed_form_radius(log_fail, log_rival, shape)

    def check(self, z: Tensor) -> None:
        """Refuse images that the denoiser was not made for, and a denoiser that mixes images of a batch.

        Raises:
            ValueError: If the shape or the scale of the images is not the denoiser's, or if the denoised version of an
                image depends on other images of its batch.
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
            ValueError: If the denoiser was not made for such images.
        """
        is_floating(self, z=z)
        self.denoiser.check(z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one denoised version of each object; see `SmoothingMeasure.sample_each`.

        Raises:
            ValueError: If the denoiser was not made for such images.
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
        """A whole batch of noisy images, whatever the number of images: noise is drawn for all of it."""
        batch = filled(images, self.batch_size)
        # Exactly the noise that is certified, if no more is applied.
        return batch + self.measure.draw(batch, generator) * (self.applied_sigma / self.measure.sigma)
