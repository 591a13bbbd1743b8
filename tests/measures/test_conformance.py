"""All built-in measures pass the conformance suite."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.distance import CHANGED
from smoothing.measures import (
    AnisotropicGaussian,
    Discrete,
    Gaussian,
    GaussianMixture,
    GeneralisedGaussian,
    LabelFlip,
    Laplace,
    Part,
    Product,
    Quantised,
    Rounded,
    SharedSplitting,
    SmoothingMeasure,
    SparseDiscrete,
    Splitting,
    Subsample,
    Unchanged,
    UnchangedExamples,
    UnchangedLabels,
    Uniform,
    UniformLinf,
)
from smoothing.numerics.random import generator
from smoothing.testing import MeasureConformance
from smoothing.testing.neighbours import changed_labels


class TestLabelFlip(MeasureConformance):
    @pytest.fixture(params=["0.02", "0.2", "0.475"])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return LabelFlip(request.param, 2)

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 1, 0, 1, 0, 0, 0])

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: LabelFlip(0, 2),
            lambda: LabelFlip(-0.1, 2),
            lambda: LabelFlip("1/2", 2),
            lambda: LabelFlip(float("nan"), 2),
            lambda: LabelFlip("often", 2),
            lambda: LabelFlip(0.1, 1),
        ]


class TestDiscrete(MeasureConformance):
    @pytest.fixture(params=[("0.1", 3), ("0.6", 3), ("0.5", 5)])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return Discrete(*request.param)

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([[0, 1], [2, 0]], dtype=torch.int32)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Discrete("2/3", 3), lambda: Discrete(0.8, 5), lambda: Discrete(0.1, 0)]


class TestSparseDiscrete(MeasureConformance):
    @pytest.fixture(params=[("0.01", "0.6"), ("0.3", "0.1"), ("0.25", "0.25")])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return SparseDiscrete(*request.param)

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 0, 1, 0, 1, 0, 0, 1])

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: SparseDiscrete("0", "0"),
            lambda: SparseDiscrete("0.5", "1/2"),
            lambda: SparseDiscrete(-0.1, 0.2),
            lambda: SparseDiscrete(0.1, "often"),
            lambda: SparseDiscrete(0.1, float("nan")),
        ]


class TestSubsample(MeasureConformance):
    @pytest.fixture(params=[(1,), (3,), (20,), (3, "changed examples")])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return Subsample(*request.param)

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 2, 0, 1, 1])

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Subsample(0), lambda: Subsample(3, "examples")]


class TestUnchangedLabels(MeasureConformance):
    @pytest.fixture(params=[UnchangedLabels(3), UnchangedExamples(CHANGED.unit), UnchangedExamples()], ids=repr)
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return request.param

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 2, 0])

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: UnchangedLabels(1), lambda: UnchangedExamples("flips"), lambda: UnchangedExamples(2)]

    @pytest.fixture
    def neighbours(self, z: Tensor) -> list:
        return list(changed_labels(z, 3))

    def test_samples_are_a_function_of_the_generator(self, measure: SmoothingMeasure, z: Tensor) -> None:
        assert torch.equal(measure.sample(z, generator((7,))), z)

    def test_no_direction_exceeds_the_law(self, measure: SmoothingMeasure, z: Tensor, neighbours: list) -> None:
        """Every change is revealed: no bound on the votes is small enough."""
        for _, distance in neighbours:
            assert measure.privacy_loss(distance, z.shape).log_threshold() == -torch.inf


def test_nothing_is_certified_without_noise() -> None:
    """Not even with all votes, neither by the closed form nor by the law."""
    bounds = np.array([-np.inf, -1e-9]), np.array([-np.inf, -40.0])
    assert not Unchanged().closed_form_radius(*bounds, (2,)).any()
    assert (Unchanged().privacy_loss(1e-300, (2,)).margin(*bounds) < 0).all()
    assert Unchanged().privacy_loss(0.0, (2,)).kl() == 0


class OnLevels(MeasureConformance):
    """Measures on small images with few levels."""

    num_levels: ClassVar[int]

    @pytest.fixture
    def z(self) -> Tensor:
        codes = torch.tensor([[[0, 1, 2], [4, 1, 1]]]) % self.num_levels
        return codes.float() / (self.num_levels - 1)

    @pytest.fixture
    def neighbours(self, z: Tensor) -> list[tuple[Tensor, float]]:
        changed, steps = [], self.num_levels - 1
        for places in ([5], [0, 3], [0, 1, 2, 3, 4, 5]):
            codes = (z * steps).round().flatten()
            codes[places] = (codes[places] + 1) % self.num_levels
            changed.append(codes.reshape(z.shape) / steps)
        return [(other, self.size(other - z)) for other in changed]

    def size(self, change: Tensor) -> float:
        return float((change != 0).sum())


class TestQuantised(OnLevels):
    num_levels = 5

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Quantised(Discrete("0.3", 5))


class TestQuantisedSparse(OnLevels):
    num_levels = 2

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Quantised(SparseDiscrete("0.1", "0.4"))


class TestRounded(OnLevels):
    num_levels = 9

    @pytest.fixture(
        params=[Gaussian(0.3), Gaussian(0.05), GaussianMixture([0.1, 1.0])],
        ids=["coarse", "finer-than-the-levels", "mixture"],
    )
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return Rounded(request.param, 9)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Rounded(Gaussian(0.3), 1)]

    def size(self, change: Tensor) -> float:
        return float(change.norm())


class TestSharedSplitting(OnLevels):
    num_levels = 5

    @pytest.fixture(params=[0.5, 0.75, 2.0])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return SharedSplitting(request.param, 5)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: SharedSplitting(0.4, 5),
            lambda: SharedSplitting(0.6, 5),
            lambda: SharedSplitting(0.75, 1),
            lambda: SharedSplitting(0.75, 5, seed=-1),
        ]

    def size(self, change: Tensor) -> float:
        return float(change.abs().sum())


class TestRoundedAnisotropic(OnLevels):
    num_levels = 9

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Rounded(AnisotropicGaussian([0.3, 0.1, 0.2]), 9)

    def size(self, change: Tensor) -> float:
        return float((change / torch.tensor([0.3, 0.1, 0.2])).norm())


class RealInputs(MeasureConformance):
    """Measures on small images, with the default neighbours."""

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.full((1, 2, 3), 0.4)


class Pushed(RealInputs):
    """Measures with a distance or a domain of their own, which need neighbours."""

    norm: ClassVar[float]

    @pytest.fixture
    def neighbours(self, z: Tensor) -> list[tuple[Tensor, float]]:
        axis, step = torch.zeros_like(z), torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
        axis[0, 1, 2] = 1.0
        directions = [axis, torch.ones_like(z), step, axis - 0.5]
        unit = [direction / self.length(direction) for direction in directions]
        return [(z + size * direction, size) for size in (0.1, 0.5) for direction in unit]

    def length(self, change: Tensor) -> float:
        return float(torch.linalg.vector_norm(change.flatten(), self.norm))


class TestL2(RealInputs):
    @pytest.fixture(
        params=[Gaussian(0.5), GaussianMixture([0.3, 1.0], [1, 2]), GaussianMixture([0.5])],
        ids=["gaussian", "mixture", "mixture-of-one"],
    )
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return request.param

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Gaussian(0.0), lambda: Gaussian(float("inf")), lambda: GaussianMixture([0.1, -1.0])]


class TestAnisotropic(Pushed):
    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return AnisotropicGaussian([0.2, 0.5, 2.0])

    def length(self, change: Tensor) -> float:
        return float((change / torch.tensor([0.2, 0.5, 2.0])).norm())


class TestL1(RealInputs):
    @pytest.fixture(
        params=[
            Laplace(0.4),
            Uniform(0.7),
            GeneralisedGaussian(0.5, 1.5),
            GeneralisedGaussian(0.5, 4.0),
            GeneralisedGaussian(0.5, 1000.0),
            Splitting(0.75),
        ],
        ids=["laplace", "uniform", "generalised-1.5", "generalised-4", "generalised-1000", "splitting"],
    )
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return request.param

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: Laplace(-1.0),
            lambda: Uniform(float("nan")),
            lambda: GeneralisedGaussian(0.5, 0.9),
            lambda: GeneralisedGaussian(0.0, 2.0),
            lambda: Splitting(0.4),
        ]


class TestLinf(RealInputs):
    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return UniformLinf(1.5)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: UniformLinf(0.0)]


class TestProduct(MeasureConformance):
    """Categorical and real columns, in both orders; three parts; and losses without a common unit."""

    @pytest.fixture(
        params=[
            [Part(Discrete("0.3", 3), columns=[0, 3, 4]), Part(Gaussian(0.5), columns=[1, 2])],
            [Part(Gaussian(0.5), columns=[1, 2]), Part(Discrete("0.3", 3), columns=[0, 3, 4])],
            [
                Part(SparseDiscrete("0.1", "0.4"), columns=[3]),
                Part(Gaussian(1.0), columns=[1]),
                Part(Discrete("0.4", 3), columns=[0, 4]),
                Part(Gaussian(0.5), columns=[2]),
            ],
            [Part(Discrete("0.3", 3), columns=[0, 3]), Part(Discrete("0.45", 3), columns=[1, 2, 4])],
        ],
        ids=["flips-l2", "l2-flips", "four", "flips-flips"],
    )
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return Product(request.param)

    @pytest.fixture
    def z(self, measure: SmoothingMeasure) -> Tensor:
        return torch.tensor([2.0, 1.0, 0.0, 1.0, 0.0])

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: Product([]),
            lambda: Product([Part(Gaussian(1.0)), Part(Gaussian(1.0))]),
            lambda: Product([Part(Laplace(1.0), columns=[0]), Part(Gaussian(1.0), columns=[1])]),
            lambda: Part(Gaussian(1.0), "pixels"),
            lambda: Part(Gaussian(1.0), columns=[-1]),
        ]


class TestProductOfOne(TestLabelFlip):
    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Product([Part(LabelFlip("0.2", 2), "training labels")])


@pytest.mark.gpu
class TestOnTheAccelerator(TestLabelFlip):
    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 1, 0, 1, 0, 0, 0], device="cuda")
