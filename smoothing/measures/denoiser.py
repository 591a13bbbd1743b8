"""Contract of denoisers."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import Unchanged
from smoothing.provenance.origin import Origin


class Denoiser(nn.Module, ABC):
    """A deterministic map from noisy to clean images that processes every row of a batch independently.

    A denoiser is post-processing of Gaussian noise, so the certificate of the noise remains valid (THEORY.md section
    6). It may require stronger noise than is certified, never weaker.

    A new denoiser is a subclass with `applied_sigma` and `forward`. A trained denoiser also sets `trained_on`. For use
    in a config, the constructor must store every argument in an attribute of the same name.

    Attributes:
        trained_on: Origins of its training data; empty if it was not trained.
        image_shape: Accepted channels, height and width; None stands for any.
        assumptions: Assumptions of certificates that use it, one phrase each.
    """

    trained_on: tuple[Origin, ...] = ()
    image_shape: tuple[int | None, int | None, int | None] = (None, None, None)

    def __init__(self) -> None:
        super().__init__()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The training data of the denoiser does not change."""
        return tuple(f"the denoiser, trained on {seen}, does not change" for seen in self.trained_on)

    @abstractmethod
    def applied_sigma(self, sigma: float) -> float:
        """Return the standard deviation of the applied noise for a certified ``sigma``.

        Args:
            sigma: Certified standard deviation, on the scale [0, 1] of the images, above 0.

        Returns:
            Standard deviation of the applied noise, on the same scale, at least ``sigma``.

        Raises:
            ValueError: If the denoiser does not support noise of this size.
        """

    @abstractmethod
    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        """Denoise images.

        Args:
            noisy: ``(batch, channels, height, width)``, images on the scale [0, 1] plus noise of `applied_sigma`.
            sigma: Certified standard deviation, on the scale [0, 1].

        Returns:
            Tensor like ``noisy``, on the scale [0, 1]. A row depends only on the same row of ``noisy``.
        """

    def identity(self) -> str | None:
        """Return the SHA-256 of its weights in hexadecimal, or None without weights."""
        return None

    def leaves(self, noise: SmoothingMeasure) -> SmoothingMeasure:
        """Return a measure with samples similar to the output, for training networks on it. Default: clean images."""
        return Unchanged()

    def check(self, z: Tensor) -> None:
        """Raise if images have the wrong shape or scale.

        Args:
            z: Images without noise, ``(..., channels, height, width)``.

        Raises:
            ValueError: If the shape is not accepted or values are outside [0, 1].
        """
        name, shape = type(self).__name__, tuple(z.shape[-3:])
        fits = len(shape) == 3 and all(want in (None, have) for want, have in zip(self.image_shape, shape, strict=True))
        if not fits:
            wanted = ", ".join("any" if want is None else str(want) for want in self.image_shape)
            raise ValueError(f"{name}: images of shape {list(shape)}; must be [{wanted}], channels, height and width")
        if z.numel() and not (z.min() >= 0 and z.max() <= 1):
            found = f"pixels from {float(z.min()):.4g} to {float(z.max()):.4g}"
            raise ValueError(f"{name}: {found}; must be within [0, 1], the scale of its images")
