"""The conformance suite fails wrong measures, with default neighbours."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.measures import (
    CategoricalMeasure,
    Discrete,
    Gaussian,
    GaussianMixture,
    GeneralisedGaussian,
    LabelFlip,
    Laplace,
    SmoothingMeasure,
    UniformLinf,
)
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import NormalLaw, PrivacyLoss, ShiftLoss, UniformLaw
from smoothing.testing import MeasureConformance
from smoothing.testing.neighbours import default_neighbours

LABELS = torch.tensor([0, 1, 1, 0, 1, 0])
IMAGE = torch.full((1, 2, 4), 0.4)


class OneDrawForAll(Gaussian):
    """`sample_each` adds the same noise to all objects."""

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return z + self.draw(z[:1], generator)


class OneDrawForTwo(Gaussian):
    """`sample_many` uses every draw twice, half of the draws apart."""

    def sample_many(self, z: Tensor, draws: int, generator: torch.Generator) -> Tensor:
        half = super().sample_many(z, -(-draws // 2), generator)
        return torch.cat([half, half])[:draws]


class MirroredDraws(Gaussian):
    """Every second draw is the mirror image of the one before."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        noise = super().draw(z, generator)
        noise[1::2] = -noise[: len(noise) // 2 * 2 : 2]
        return noise


class ScaleOfAStack(SmoothingMeasure):
    """Says that it is coordinatewise, and draws one scale for whatever it is given."""

    coordinatewise = True
    distance = Gaussian(1.0).distance

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        sigma = 0.2 + torch.rand((), generator=generator)
        return z + sigma * torch.randn(z.shape, generator=generator)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return ShiftLoss(NormalLaw(0.2), radius)


class AlongAxes(UniformLinf):
    """Its law is that of one coordinate."""

    def lost(self, radius: float, shape: Sequence[int]) -> float:
        return super().lost(radius, (1,))

    def radius_of(self, lost: Float, shape: Sequence[int]) -> Float:
        return super().radius_of(lost, (1,))


class AxisMixture(GaussianMixture):
    """Its law is that of one coordinate, from which the scale cannot be read off."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return ShiftLoss(NormalLaw(max(self.sigmas)), radius)


class LaplaceInL2(Laplace):
    """A law that holds along axes, in a distance in which other directions are worse."""

    distance = Gaussian(1.0).distance


class UpToARadius(Gaussian):
    """Its law stops growing."""

    end = 1.0

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return super().privacy_loss(min(radius, self.end), shape)

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> None:
        return None


class UpToAFarRadius(UpToARadius):
    end = 10.0


class SlowerBeyond(UpToARadius):
    """Its law grows half as fast beyond a radius."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return Gaussian.privacy_loss(self, min(radius, (radius + 0.5) / 2), shape)


class UpToTwoFlips(LabelFlip):
    """Its law stops growing at two flips."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return super().privacy_loss(min(radius, 2), shape)


class FirstDrawAgain(Gaussian):
    """Remembers its first draw, and repeats it at every third call."""

    def __init__(self, sigma: float) -> None:
        super().__init__(sigma)
        self.calls, self.kept = 0, {}

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        noise = super().draw(z, generator)
        self.calls += 1
        self.kept.setdefault(z.shape, noise)
        return self.kept[z.shape] if self.calls % 3 == 0 else noise


class EveryDrawTwice(Gaussian):
    """Calls come in pairs that share their noise."""

    def __init__(self, sigma: float) -> None:
        super().__init__(sigma)
        self.left = None

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        noise, self.left = (self.left, None) if self.left is not None else (self.draw(z, generator),) * 2
        return z + noise


class GlobalNumpy(Gaussian):
    """Draws from NumPy's global generator."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return torch.from_numpy(np.random.normal(0, self.sigma, tuple(z.shape))).to(z)


class SeedsTorch(Gaussian):
    """Seeds the global generator from the given one: a function of it, but others lose their stream."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        return self.sigma * torch.randn_like(z)


class Atom(Gaussian):
    """Noise that underflows is clamped: two per cent of all draws are one value."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        noise = super().draw(z, generator)
        return torch.where(noise.abs() < 0.025 * self.sigma, 1e-6, noise)


class ClampedGamma(GeneralisedGaussian):
    """Drawn at a shape below one, where the sampler clamps."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        size = torch._standard_gamma(torch.full_like(z, 1 / self.exponent), generator=generator) ** (1 / self.exponent)
        sign = torch.randint(0, 2, z.shape, generator=generator) * 2 - 1
        return self.scale * size * sign


class Weaker(Gaussian):
    """Noise with half of the standard deviation of its law."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return super().draw(z, generator) / 2


class Clipped(Gaussian):
    """Noise that is cut off: what lies beyond gives the object away."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return super().draw(z, generator).clamp(-self.sigma, self.sigma)


class SaysUniform(Gaussian):
    """Normal noise with the law of uniform noise."""

    @property
    def noise(self) -> UniformLaw:  # type: ignore[override]
        return UniformLaw(2 * self.sigma)


class SaysExact(Gaussian):
    """Adds floating-point noise, and says that samples are exact."""

    exact_samples = True


class WholeSteps(Gaussian):
    """Adds whole numbers to any object, and says that samples are exact."""

    exact_samples = True

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return super().draw(z, generator).round()


class ForgotExact(Discrete):
    """Noise on labels that does not say that samples are exact."""

    exact_samples = False


class TooNear(LabelFlip):
    def diameter(self, shape: Sequence[int]) -> float:
        return super().diameter(shape) - 1


class TooFar(LabelFlip):
    def diameter(self, shape: Sequence[int]) -> float:
        return super().diameter(shape) + 1


class OneUlp(Gaussian):
    """A closed form that is rounded up."""

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        return np.nextafter(super().closed_form_radius(log_fail, log_rival, shape), np.inf)


class OnePart(Gaussian):
    """A closed form that is too large by one part in ten million."""

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        return super().closed_form_radius(log_fail, log_rival, shape) * (1 + 1e-7)


class OneUnit(LabelFlip):
    """A closed form that is too large by one flip."""

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float:
        limits = np.array([self.privacy_loss(r, shape).log_threshold() for r in range(len(LABELS) + 1)])
        ahead = np.minimum(log_fail, log_rival) < np.log(0.5)
        return np.where(ahead, np.minimum((log_fail[:, None] < limits).sum(1), len(LABELS)), 0).astype(np.float64)


class Wrapping(CategoricalMeasure):
    """Adds in eight bits, where values wrap."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        shift = torch.randint(self.num_classes, z.shape, generator=generator).to(torch.uint8)
        return ((z.to(torch.uint8) + shift) % self.num_classes).long()

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return Discrete(Fraction(self.num_classes - 1, self.num_classes) * Fraction(999, 1000), 200).privacy_loss(0, ())

    @property
    def channel(self) -> Float:
        return np.full((self.num_classes,) * 2, 1 / self.num_classes)


SUITE = MeasureConformance()
Check = Callable[[SmoothingMeasure, Tensor], None]


def _neighbours(measure: SmoothingMeasure, z: Tensor) -> list[tuple[Tensor, float]]:
    return default_neighbours(measure, z)


CHECKS: dict[str, Check] = {
    "distance": lambda m, z: SUITE.test_describes_its_distance(m, z, _neighbours(m, z)),
    "exact": lambda m, z: SUITE.test_says_whether_samples_are_exact(m, z, _neighbours(m, z)),
    "generator": SUITE.test_samples_are_a_function_of_the_generator,
    "many": SUITE.test_many_samples_are_independent,
    "each": lambda m, z: SUITE.test_samples_of_different_objects_are_independent(m, z, _neighbours(m, z)),
    "coordinates": SUITE.test_coordinates_are_independent_where_it_says_so,
    "channel": SUITE.test_channel_is_what_samples_follow,
    "endless": lambda m, z: SUITE.test_no_votes_certify_without_end(m, z, [d for _, d in _neighbours(m, z)]),
    "closed form": SUITE.test_closed_form_agrees_with_the_law,
    "law": lambda m, z: SUITE.test_no_direction_exceeds_the_law(m, z, _neighbours(m, z)),
}

MUTANTS: list[tuple[SmoothingMeasure, Tensor, str]] = [
    (OneDrawForAll(0.5), IMAGE, "many"),
    (OneDrawForAll(0.5), IMAGE, "each"),
    (OneDrawForTwo(0.5), IMAGE, "many"),
    (MirroredDraws(0.5), IMAGE, "many"),
    (MirroredDraws(0.5), IMAGE, "each"),
    (ScaleOfAStack(), IMAGE, "many"),
    (ScaleOfAStack(), IMAGE, "coordinates"),
    (AlongAxes(0.5), IMAGE, "law"),
    (AxisMixture([0.1, 0.5]), IMAGE, "law"),
    (LaplaceInL2(0.5), IMAGE, "law"),
    (UpToARadius(0.5), IMAGE, "law"),
    (UpToARadius(0.5), IMAGE, "endless"),
    (UpToAFarRadius(0.5), IMAGE, "endless"),
    (SlowerBeyond(0.5), IMAGE, "law"),
    (UpToTwoFlips("0.2", 2), LABELS, "law"),
    (FirstDrawAgain(0.5), IMAGE, "generator"),
    (EveryDrawTwice(0.5), IMAGE, "generator"),
    (GlobalNumpy(0.5), IMAGE, "generator"),
    (SeedsTorch(0.5), IMAGE, "generator"),
    (Atom(0.5), IMAGE, "law"),
    (ClampedGamma(0.5, 1000.0), IMAGE, "law"),
    (ClampedGamma(0.5, 1000.0), IMAGE.double(), "law"),
    (Weaker(0.5), IMAGE, "law"),
    (Clipped(0.5), IMAGE, "law"),
    (SaysUniform(0.5), IMAGE, "law"),
    (SaysExact(0.5), IMAGE, "exact"),
    (WholeSteps(0.5), IMAGE, "exact"),
    (ForgotExact("0.2", 3), LABELS, "exact"),
    (TooNear("0.2", 2), LABELS, "distance"),
    (TooFar("0.2", 2), LABELS, "distance"),
    (OneUlp(0.5), IMAGE, "closed form"),
    (OnePart(0.5), IMAGE, "closed form"),
    (OneUnit("0.2", 2), LABELS, "closed form"),
    (Wrapping(200), LABELS, "channel"),
]


@pytest.mark.parametrize(
    ("mutant", "z", "check"), MUTANTS, ids=[f"{type(mutant).__name__}-{check}" for mutant, _, check in MUTANTS]
)
def test_wrong_measures_are_caught(mutant: SmoothingMeasure, z: Tensor, check: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[check](mutant, z)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("measure", "z"),
    [(Gaussian(0.5), IMAGE), (GeneralisedGaussian(0.5, 1000.0), IMAGE.double()), (LabelFlip("0.2", 2), LABELS)],
    ids=["gaussian", "generalised", "flips"],
)
def test_what_the_mutants_are_made_from_passes(measure: SmoothingMeasure, z: Tensor, check: str) -> None:
    with suppress(pytest.skip.Exception):
        CHECKS[check](measure, z)


@pytest.mark.parametrize("measure", [Gaussian(0.5), Laplace(0.5), UniformLinf(0.5)], ids=["l2", "l1", "linf"])
def test_default_neighbours_have_the_distances_they_say(measure: SmoothingMeasure) -> None:
    order = {"l1": 1, "l2": 2, "linf": float("inf")}[measure.distance.norm]
    neighbours = default_neighbours(measure, IMAGE.double())
    for changed, distance in neighbours:
        assert float(torch.linalg.vector_norm((changed - IMAGE.double()).flatten(), order)) == pytest.approx(distance)
    moved = [int(((changed - IMAGE) != 0).sum()) for changed, _ in neighbours]
    assert min(moved) == 1
    assert max(moved) == IMAGE.numel()


def test_a_distance_without_known_neighbours_is_named() -> None:
    class Other(Gaussian):
        distance = Gaussian(1.0).distance.__class__("geodesic", "degrees", integer=False, strict=True)

    with pytest.raises(NotImplementedError, match="define the fixture `neighbours`"):
        default_neighbours(Other(0.5), IMAGE)
