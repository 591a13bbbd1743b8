"""The built-in measures, and one of a user's own, go through the suite."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from smoothing.measures import Discrete, LabelFlip, SmoothingMeasure
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


@pytest.mark.gpu
class TestOnTheAccelerator(TestLabelFlip):
    @pytest.fixture
    def z(self) -> Tensor:
        return torch.tensor([0, 1, 1, 0, 1, 0, 0, 0], device="cuda")
