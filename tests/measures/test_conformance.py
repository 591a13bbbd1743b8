"""The built-in measures go through the suite."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from smoothing.measures import (
    AnisotropicGaussian,
    Discrete,
    Gaussian,
    GaussianMixture,
    GeneralisedGaussian,
    LabelFlip,
    Laplace,
    SmoothingMeasure,
    Splitting,
    Uniform,
    UniformLinf,
)
from smoothing.testing import MeasureConformance


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


class RealInputs(MeasureConformance):
    """Measures of small images, pushed along axes, diagonals and random directions."""

    norm: ClassVar[float]

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.full((1, 2, 3), 0.4)

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
    norm = 2

    @pytest.fixture(
        params=[Gaussian(0.5), GaussianMixture([0.3, 1.0], [1, 2]), GaussianMixture([0.5])],
        ids=["gaussian", "mixture", "mixture-of-one"],
    )
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return request.param

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Gaussian(0.0), lambda: Gaussian(float("inf")), lambda: GaussianMixture([0.1, -1.0])]


class TestAnisotropic(RealInputs):
    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return AnisotropicGaussian([0.2, 0.5, 2.0])

    def length(self, change: Tensor) -> float:
        return float((change / torch.tensor([0.2, 0.5, 2.0])).norm())


class TestL1(RealInputs):
    norm = 1

    @pytest.fixture(
        params=[
            Laplace(0.4),
            Uniform(0.7),
            GeneralisedGaussian(0.5, 1.5),
            GeneralisedGaussian(0.5, 4.0),
            Splitting(0.75),
        ],
        ids=["laplace", "uniform", "generalised-1.5", "generalised-4", "splitting"],
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
    norm = float("inf")

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return UniformLinf(1.5)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: UniformLinf(0.0)]


@pytest.mark.gpu
class TestOnTheAccelerator(TestLabelFlip):
    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 1, 0, 1, 0, 0, 0], device="cuda")
