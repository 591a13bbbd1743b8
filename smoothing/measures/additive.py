"""Additive noise."""

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
"""Range of standard deviations, scales and half widths. Within it, single precision has no under- or overflow."""


class AdditiveNoise(SmoothingMeasure):
    """Noise that is added to the object and does not depend on it."""

    @abstractmethod
    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw noise for each object, independently.

        Args:
            z: The objects, ``(objects, ...)``. Only shape, dtype and device are used.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            New tensor with the shape, dtype and device of ``z``.
        """

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to ``z``."""
        is_floating(self, z=z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to each object; see `SmoothingMeasure.sample_each`.

        The sum is computed at least in single precision. Noise drawn in half precision would not follow its law.
        """
        is_floating(self, z=z)
        is_generator(self, generator)
        wide = z.to(torch.promote_types(z.dtype, torch.float32))
        return (wide + self.draw(wide, generator)).to(z.dtype)


class ShiftMeasure(AdditiveNoise):
    """Additive noise for which the privacy loss at a given distance is that of a shift along one line.

    See THEORY.md section 2.
    """

    @property
    @abstractmethod
    def noise(self) -> NoiseLaw:
        """Law of the noise along that line, symmetric and log-concave."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of a shift of one coordinate by ``radius``."""
        return ShiftLoss(self.noise, radius)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        """Return ``-(F^-1(fA) + F^-1(fB)) / 2``; see `SmoothingMeasure.closed_form_radius`."""
        return shift_radius(self.noise, log_fail, log_rival)


class Gaussian(ShiftMeasure):
    """Gaussian noise, l2 (Cohen et al. 2019, theorem 1).

    The privacy loss depends only on the Euclidean length of the change, not on its direction.

    Args:
        sigma: Standard deviation of every coordinate, in input units, within [1e-30, 1e30].

    Raises:
        ValueError: If ``sigma`` is out of range.
    """

    def __init__(self, sigma: float) -> None:
        within(self, SHORTEST, LONGEST, sigma=sigma)
        self.sigma = sigma

    @property
    def distance(self) -> Distance:
        """Euclidean length of the change, strict."""
        return Distance("l2", "input units", integer=False, strict=True)

    @property
    def noise(self) -> NoiseLaw:
        """Normal law."""
        return NormalLaw(self.sigma)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw normal noise; see `AdditiveNoise.draw`."""
        return torch.empty_like(z).normal_(0, self.sigma, generator=generator)


class AnisotropicGaussian(Gaussian):
    """Gaussian noise with a separate standard deviation for every coordinate.

    In units of ``sigma`` the noise is isotropic, so the distance is ``|delta / sigma|`` (THEORY.md section 2).

    Args:
        sigmas: Standard deviations in input units, within [1e-30, 1e30]. Broadcast to the object, for example one per
            channel ``[[[s]], ...]``.

    Raises:
        ValueError: If ``sigmas`` is empty or out of range.
    """

    def __init__(self, sigmas: Sequence[float] | Sequence[Sequence[Sequence[float]]]) -> None:
        super().__init__(1.0)
        self.sigmas = torch.tensor(sigmas, dtype=torch.float64)
        if not (self.sigmas.numel() and ((self.sigmas >= SHORTEST) & (self.sigmas <= LONGEST)).all()):
            refuse(self, "sigmas", sigmas, f"within [{SHORTEST:g}, {LONGEST:g}], at least one")

    @property
    def distance(self) -> Distance:
        """Euclidean length of the change in standard deviations, strict."""
        return Distance("l2", "standard deviations", integer=False, strict=True)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw normal noise; see `AdditiveNoise.draw`.

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
    """I.i.d. symmetric log-concave noise, l1. A change of one coordinate is the worst of its length."""

    @property
    def distance(self) -> Distance:
        """Sum of absolute changes, strict."""
        return Distance("l1", "input units", integer=False, strict=True)


class Laplace(_CoordinateNoise):
    """Laplace noise, l1 (Teng et al. 2020).

    Args:
        scale: Parameter ``b`` of the density ``exp(-|x|/b) / 2b``, in input units, within [1e-30, 1e30].

    Raises:
        ValueError: If ``scale`` is out of range.
    """

    def __init__(self, scale: float) -> None:
        within(self, SHORTEST, LONGEST, scale=scale)
        self.scale = scale

    @property
    def noise(self) -> NoiseLaw:
        """Laplace law."""
        return LaplaceLaw(self.scale)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the difference of two exponential variables; see `AdditiveNoise.draw`."""
        first, second = (torch.empty_like(z).exponential_(1, generator=generator) for _ in range(2))
        return self.scale * (first - second)


class Uniform(_CoordinateNoise):
    """Uniform noise, l1 (Yang et al. 2020; THEORY.md section 2).

    Args:
        half_width: Noise is uniform on ``[-half_width, half_width]``, in input units, within [1e-30, 1e30].

    Raises:
        ValueError: If ``half_width`` is out of range.
    """

    def __init__(self, half_width: float) -> None:
        within(self, SHORTEST, LONGEST, half_width=half_width)
        self.half_width = half_width

    @property
    def noise(self) -> NoiseLaw:
        """Uniform law."""
        return UniformLaw(self.half_width)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw uniform noise; see `AdditiveNoise.draw`."""
        return torch.empty_like(z).uniform_(-self.half_width, self.half_width, generator=generator)


LARGEST_EXPONENT = 1e3
"""Largest exponent at which the accuracy of the law is tested. Larger exponents approach `Uniform`."""


class GeneralisedGaussian(_CoordinateNoise):
    """Noise of density proportional to ``exp(-(|x| / scale)^exponent)``, l1 (THEORY.md section 2).

    Args:
        scale: In input units, within [1e-30, 1e30].
        exponent: Within [1, 1000]. The density is log-concave for exponents of at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, scale: float, exponent: float) -> None:
        within(self, SHORTEST, LONGEST, scale=scale)
        self.scale = scale
        within(self, 1, LARGEST_EXPONENT, exponent=exponent)
        self.exponent = exponent

    @property
    def noise(self) -> NoiseLaw:
        """Generalised normal law."""
        return GeneralisedNormalLaw(self.scale, self.exponent)

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a power of a gamma variable times a uniform variable; see `AdditiveNoise.draw`.

        ``|x / scale|^exponent`` is a gamma variable of shape ``1/exponent``. A gamma variable of shape ``a`` has the
        law of ``Gamma(a + 1) U^(1/a)`` (Marsaglia and Tsang 2000). Drawn directly at a small shape, it underflows, and
        the noise has an atom.
        """
        shape = torch.full_like(z, 1 + 1 / self.exponent)
        size = torch._standard_gamma(shape, generator=generator) ** (1 / self.exponent)
        return size * torch.empty_like(z).uniform_(-self.scale, self.scale, generator=generator)
