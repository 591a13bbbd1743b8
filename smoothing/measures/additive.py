"""Independent noise added to every coordinate."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.arguments import is_floating, is_generator, refuse, within
from smoothing.distance import Distance
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import (
    GeneralisedNormalLaw,
    LaplaceLaw,
    NoiseLaw,
    NormalLaw,
    PrivacyLoss,
    ShiftLoss,
    UniformLaw,
    shift_radius,
)

SHORTEST, LONGEST = 1e-30, 1e30
"""Range of standard deviations, scales and half widths: noise in single precision neither under- nor overflows."""


class AdditiveNoise(SmoothingMeasure):
    """Noise that is added to the object, and does not depend on it."""

    @abstractmethod
    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw noise for each of many objects, independently.

        Args:
            z: The objects, ``(objects, ...)``; only their shape, type and device count.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            A new tensor like ``z``.
        """

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to ``z``."""
        is_floating(self, z=z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to each object; see `SmoothingMeasure.sample_each`.

        The sum is taken in single precision at least: a draw in half precision would not follow its law.
        """
        is_floating(self, z=z)
        is_generator(self, generator)
        wide = z.to(torch.promote_types(z.dtype, torch.float32))
        return (wide + self.draw(wide, generator)).to(z.dtype)


class ShiftMeasure(AdditiveNoise):
    """Independent noise on every coordinate, whose worst change of a given size is a shift along one line.

    See THEORY.md section 2.
    """

    @property
    @abstractmethod
    def noise(self) -> NoiseLaw:
        """The law of the noise along that line; symmetric and log-concave."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """A shift of one coordinate by ``radius``."""
        return ShiftLoss(self.noise, radius)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """``-(F^-1(fA) + F^-1(fB)) / 2``; see `SmoothingMeasure.closed_form_radius`."""
        return shift_radius(self.noise, log_fail, log_rival)


class Gaussian(ShiftMeasure):
    """Normal noise, l2 (Cohen et al. 2019, theorem 1).

    The law of the loss depends on the length of the change alone, so one line stands for all directions.

    Args:
        sigma: Standard deviation of every coordinate, on the scale of the object, above 0.
    """

    def __init__(self, sigma: float) -> None:
        within(self, SHORTEST, LONGEST, sigma=sigma)
        self.sigma = sigma

    @property
    def distance(self) -> Distance:
        """Euclidean length; a radius R covers less than R."""
        return Distance("l2", "input units", integer=False, strict=True)

    @property
    def noise(self) -> NoiseLaw:
        """The normal law."""
        return NormalLaw(self.sigma)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Normal noise like ``z``."""
        return torch.empty_like(z).normal_(0, self.sigma, generator=generator)


class AnisotropicGaussian(Gaussian):
    """Normal noise of its own standard deviation in every coordinate.

    In units of ``sigma`` the noise is isotropic, so the distance is ``|delta / sigma|`` (THEORY.md section 2).

    Args:
        sigmas: Standard deviations, above 0; broadcast to the object, for example one per channel ``[[[s]], ...]``.
    """

    def __init__(self, sigmas: Sequence[float] | Sequence[Sequence[Sequence[float]]]) -> None:
        super().__init__(1.0)
        self.sigmas = torch.tensor(sigmas, dtype=torch.float64)
        if not (self.sigmas.numel() and ((self.sigmas >= SHORTEST) & (self.sigmas <= LONGEST)).all()):
            refuse(self, "sigmas", sigmas, f"within [{SHORTEST:g}, {LONGEST:g}], at least one")

    @property
    def distance(self) -> Distance:
        """Euclidean length in standard deviations."""
        return Distance("l2", "standard deviations", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Normal noise like ``z``.

        Raises:
            ValueError: If ``sigmas`` do not broadcast to ``z``.
        """
        object_shape = z.shape[1:]
        try:
            sigmas = self.sigmas.to(z).expand(object_shape)
        except RuntimeError:
            shape = list(self.sigmas.shape)
            raise ValueError(
                f"AnisotropicGaussian: sigmas = a tensor of shape {shape}; must broadcast to {list(object_shape)}"
            ) from None
        return super().draw(z, generator).mul_(sigmas)


class _CoordinateNoise(ShiftMeasure):
    """I.i.d. symmetric log-concave noise under l1: among all changes of one length, that of one coordinate is worst."""

    @property
    def distance(self) -> Distance:
        """Sum of absolute changes; a radius R covers less than R."""
        return Distance("l1", "input units", integer=False, strict=True)


class Laplace(_CoordinateNoise):
    """Laplace noise, l1 (Teng et al. 2020).

    Args:
        scale: The parameter ``b`` of the density ``exp(-|x|/b) / 2b``, above 0.
    """

    def __init__(self, scale: float) -> None:
        within(self, SHORTEST, LONGEST, scale=scale)
        self.scale = scale

    @property
    def noise(self) -> NoiseLaw:
        """The Laplace law."""
        return LaplaceLaw(self.scale)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Laplace noise like ``z``: a difference of two exponential variables."""
        first, second = (torch.empty_like(z).exponential_(1, generator=generator) for _ in range(2))
        return self.scale * (first - second)


class Uniform(_CoordinateNoise):
    """Uniform noise, l1 (Yang et al. 2020; THEORY.md section 2).

    Args:
        half_width: Noise is uniform on ``[-half_width, half_width]``, above 0.
    """

    def __init__(self, half_width: float) -> None:
        within(self, SHORTEST, LONGEST, half_width=half_width)
        self.half_width = half_width

    @property
    def noise(self) -> NoiseLaw:
        """The uniform law."""
        return UniformLaw(self.half_width)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Uniform noise like ``z``."""
        return torch.empty_like(z).uniform_(-self.half_width, self.half_width, generator=generator)


LARGEST_EXPONENT = 1e3
"""Largest exponent at which the law is verified. Above it the noise is nearly that of `Uniform`."""


class GeneralisedGaussian(_CoordinateNoise):
    """Noise of density proportional to ``exp(-(|x| / scale)^exponent)``, l1 (THEORY.md section 2).

    Args:
        scale: Above 0.
        exponent: Within [1, `LARGEST_EXPONENT`]; from 1 on the density is log-concave.
    """

    def __init__(self, scale: float, exponent: float) -> None:
        within(self, SHORTEST, LONGEST, scale=scale)
        self.scale = scale
        within(self, 1, LARGEST_EXPONENT, exponent=exponent)
        self.exponent = exponent

    @property
    def noise(self) -> NoiseLaw:
        """The generalised normal law."""
        return GeneralisedNormalLaw(self.scale, self.exponent)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Noise like ``z``: a power of a gamma variable of shape ``1 + 1/exponent``, times a uniform one.

        A gamma variable of shape ``a`` is one of shape ``a + 1`` times ``U^(1/a)`` (Marsaglia and Tsang 2000). Drawn at
        shape ``1/exponent`` itself, small values would underflow, and the noise would have an atom.
        """
        shape = torch.full_like(z, 1 + 1 / self.exponent)
        size = torch._standard_gamma(shape, generator=generator) ** (1 / self.exponent)
        return size * torch.empty_like(z).uniform_(-self.scale, self.scale, generator=generator)
