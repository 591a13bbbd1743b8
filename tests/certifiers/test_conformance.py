"""The built-in certifiers pass the conformance tests."""

from collections.abc import Sequence

import pytest
import torch

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import (
    BerryEsseen,
    Certifier,
    Chernoff,
    ClopperPearson,
    ExactVote,
    JointNaming,
    Plurality,
    Prediction,
    RandomisedClopperPearson,
    RunOff,
    Sequential,
    Staged,
    WhiteBox,
)
from smoothing.guarantees import KL
from smoothing.measures import UnchangedLabels
from smoothing.testing import CertifierConformance
from smoothing.votes import Ballots, Constant, JointClusters, Partitions, Ridge, Votes


class TestAnalytic(CertifierConformance):
    @pytest.fixture(
        params=[
            ExactVote(),
            ExactVote(sets=True),
            Chernoff(),
            Chernoff(KL()),
            Chernoff(classifier="majority"),
            Chernoff(KL(), classifier="majority"),
            BerryEsseen(),
            BerryEsseen(KL()),
        ],
        ids=[
            "exact",
            "exact-sets",
            "chernoff",
            "chernoff-kl",
            "chernoff-majority",
            "chernoff-kl-majority",
            "berry-esseen",
            "berry-esseen-kl",
        ],
    )
    def certifier(self, request: pytest.FixtureRequest) -> Certifier:
        return request.param


class TestSampled(CertifierConformance):
    @pytest.fixture(
        params=[
            ClopperPearson(n0=50, n=1000, alpha=1e-4),
            ClopperPearson(n0=50, n=1000, alpha=1e-4, two_sided=True),
            ClopperPearson(KL(), n0=50, n=1000, alpha=1e-2, joint=200),
            RandomisedClopperPearson(n0=50, n=1000, alpha=1e-4),
            RandomisedClopperPearson(n0=50, n=1000, alpha=1e-4, two_sided=True),
            Sequential([0, 1, 2, 3], n0=50, max_draws=2000, alpha=1e-4),
            Sequential([1], KL(), n0=50, max_draws=1000, alpha=1e-4, joint=200),
            Staged(1, [100, 1000], n0=50, alpha=1e-4),
            Staged(2, [500, 600, 2000], [3, 1, 2], KL(), n0=50, alpha=1e-4, joint=200),
            Prediction(n=1000, alpha=1e-4),
        ],
        ids=[
            "clopper-pearson",
            "clopper-pearson-two-sided",
            "clopper-pearson-kl-joint",
            "randomised",
            "randomised-two-sided",
            "sequential",
            "sequential-kl-joint",
            "staged",
            "staged-kl-joint",
            "prediction",
        ],
    )
    def certifier(self, request: pytest.FixtureRequest) -> Certifier:
        return request.param


class OfLabels(CertifierConformance):
    """Certifiers that need no noise. tests/soundness compares their radii with brute force."""

    @pytest.fixture
    def votes(self) -> Sequence[Votes]:
        raise NotImplementedError

    @pytest.fixture
    def ballots(self, certifier: Certifier, votes: Sequence[Votes]) -> Sequence[Ballots]:
        generator = torch.Generator().manual_seed(0)
        made = []
        for kind in votes:
            y = torch.arange(30) % 3
            kind.fit(torch.randn(30, 3, generator=generator) + 2 * torch.eye(3)[y], y, 3)
            x = torch.randn(6, 3, generator=generator)
            made.append(Ballots(UnchangedLabels(3), kind, x, torch.arange(6), 0))
        return [b for b in made if certifier.supports(b.measure, b.votes) is None]

    def test_radius_is_never_above_the_truth(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        assert all((certificates.radius < 30).all() for _, certificates in answers)


class TestPartitions(OfLabels):
    @pytest.fixture(params=[Plurality(), RunOff(), WhiteBox()], ids=["plurality", "run-off", "white-box"])
    def certifier(self, request: pytest.FixtureRequest) -> Certifier:
        return request.param

    @pytest.fixture
    def votes(self) -> Sequence[Votes]:
        return [Partitions(Ridge(Constant(1.0)), 7, spread) for spread in (1, 2)]


class TestJointNaming(OfLabels):
    @pytest.fixture
    def certifier(self) -> Certifier:
        return JointNaming()

    @pytest.fixture
    def votes(self) -> Sequence[Votes]:
        return [JointClusters()]
