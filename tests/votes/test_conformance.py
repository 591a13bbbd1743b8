"""The built-in linear votes pass the suite."""

import pytest
import torch
from torch import Tensor

from smoothing.testing import LinearVotesConformance
from smoothing.votes import (
    NTK,
    PCA,
    RBF,
    Centre,
    ClassSum,
    Clusters,
    Constant,
    KernelRidge,
    LinearVotes,
    NearestNeighbours,
    Normalise,
    Ridge,
    RosenfeldRule,
    Whiten,
)


class TwoClasses(LinearVotesConformance):
    """Ten points of two classes in three dimensions."""

    @pytest.fixture
    def training_set(self) -> tuple[Tensor, Tensor, int]:
        x = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
        y = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
        return x + y[:, None], y, 2

    @pytest.fixture
    def x(self) -> Tensor:
        return 2 * torch.randn(5, 3, generator=torch.Generator().manual_seed(1))


class ThreeClasses(LinearVotesConformance):
    """Seven points of three classes, in the shape of small images."""

    @pytest.fixture
    def training_set(self) -> tuple[Tensor, Tensor, int]:
        x = torch.rand(7, 1, 2, 2, generator=torch.Generator().manual_seed(2))
        return x, torch.tensor([0, 1, 2, 2, 1, 0, 0]), 3

    @pytest.fixture
    def x(self) -> Tensor:
        return torch.rand(4, 1, 2, 2, generator=torch.Generator().manual_seed(3))


class TestTwoClasses(TwoClasses):
    @pytest.fixture(
        params=[
            lambda: Ridge(),
            lambda: Ridge(Constant(0.1), [Centre(), Normalise()], "binary"),
            lambda: KernelRidge(NTK(2, 1.5, 0.1), Constant(0.1), [Centre()]),
            lambda: KernelRidge(RBF(2.0), coding="binary"),
            lambda: ClassSum(1.5, [Whiten()]),
            lambda: NearestNeighbours(3, [PCA(2)]),
            lambda: Clusters(3),
            lambda: Clusters(2, "jointly"),
        ],
        ids=["ridge", "ridge-binary", "ntk", "rbf-binary", "class-sum", "neighbours", "clusters", "clusters-jointly"],
    )
    def unfitted(self, request: pytest.FixtureRequest) -> LinearVotes:
        return request.param()


class TestReadsLabels(TwoClasses):
    @pytest.fixture
    def unfitted(self) -> LinearVotes:
        return Ridge(RosenfeldRule(0.2))

    @pytest.fixture
    def reads_labels(self) -> str:
        return "lambda, computed from the labels under attack, does not change"


class TestThreeClasses(ThreeClasses):
    @pytest.fixture(
        params=[
            lambda: Ridge(Constant(1.0), [Centre(), PCA(3, whiten=True)]),
            lambda: KernelRidge(NTK(1), transforms=[Normalise()]),
            lambda: KernelRidge(RBF(0.5), Constant(0.0)),
            lambda: ClassSum(0.5),
            lambda: NearestNeighbours(2),
            lambda: Clusters(3, transforms=[Centre()]),
        ],
        ids=["ridge", "ntk", "rbf", "class-sum", "neighbours", "clusters"],
    )
    def unfitted(self, request: pytest.FixtureRequest) -> LinearVotes:
        return request.param()


def test_rosenfeld_rule_declares_that_lambda_reads_labels() -> None:
    assert Ridge(RosenfeldRule(0.2)).assumptions
