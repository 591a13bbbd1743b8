"""The contract of what takes noise out of images."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import Unchanged
from smoothing.provenance.origin import Origin


class Denoiser(nn.Module, ABC):
    """A map from noisy images to clean ones, each row by itself and without any randomness of its own.

    A denoiser is post-processing of Gaussian noise, so that it keeps that noise's certificate (THEORY.md section 6).
    It may need more noise than is certified, never less.

    A new denoiser is a subclass with `applied_sigma` and `forward`; one that is learned says what it has seen. In a
    config, it keeps every argument of its constructor in an attribute of that name.

    Attributes:
        trained_on: What it was learned from; empty where nothing was.
        image_shape: Channels, height and width that it takes, None where any will do.
        assumptions: What a certificate through it takes for granted, one phrase each.
    """

    trained_on: tuple[Origin, ...] = ()
    image_shape: tuple[int | None, int | None, int | None] = (None, None, None)

    def __init__(self) -> None:
        super().__init__()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What it was learned from stays as it is."""
        return tuple(f"the denoiser, trained on {seen}, does not change" for seen in self.trained_on)

    @abstractmethod
    def applied_sigma(self, sigma: float) -> float:
        """The noise that it is given where ``sigma`` is certified.

        Args:
            sigma: Standard deviation that is certified, on the scale [0, 1] of the images, above 0.

        Returns:
            Standard deviation of the noise that is added, on the same scale, at least ``sigma``.

        Raises:
            ValueError: If it knows no noise that large.
        """

    @abstractmethod
    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        """Denoise images.

        Args:
            noisy: ``(batch, channels, height, width)``, images on the scale [0, 1] plus noise of `applied_sigma`.
            sigma: Standard deviation that is certified, on the scale [0, 1].

        Returns:
            A tensor like ``noisy``, on the scale [0, 1]. A row depends on the same row of ``noisy`` alone.
        """

    def identity(self) -> str | None:
        """SHA-256 of its weights, in hexadecimal; None where there are none."""
        return None

    def leaves(self, noise: SmoothingMeasure) -> SmoothingMeasure:
        """What its output is meant to look like, which a network behind it should be trained on: clean images."""
        return Unchanged()

    def check(self, z: Tensor) -> None:
        """Refuse what it was not made for.

        Args:
            z: Images without noise, ``(..., channels, height, width)``.

        Raises:
            ValueError: If they have another shape, or values outside the scale [0, 1].
        """
        name, shape = type(self).__name__, tuple(z.shape[-3:])
        fits = len(shape) == 3 and all(want in (None, have) for want, have in zip(self.image_shape, shape, strict=True))
        if not fits:
            wanted = ", ".join("any" if want is None else str(want) for want in self.image_shape)
            raise ValueError(f"{name}: images of shape {list(shape)}; must be [{wanted}], channels, height and width")
        if z.numel() and not (z.min() >= 0 and z.max() <= 1):
            found = f"pixels from {float(z.min()):.4g} to {float(z.max()):.4g}"
            raise ValueError(f"{name}: {found}; must be within [0, 1], the scale of its images")
