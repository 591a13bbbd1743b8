"""The built-in certifiers go through the suite."""

import pytest

from smoothing.certifiers import (
    BerryEsseen,
    Certifier,
    Chernoff,
    ClopperPearson,
    ExactVote,
    Prediction,
    RandomisedClopperPearson,
    Sequential,
    Staged,
)
from smoothing.guarantees import KL
from smoothing.testing import CertifierConformance


class TestAnalytic(CertifierConformance):
    @pytest.fixture(
        params=[
            ExactVote(),
            Chernoff(),
            Chernoff(KL()),
            Chernoff(classifier="majority"),
            Chernoff(KL(), classifier="majority"),
            BerryEsseen(),
            BerryEsseen(KL()),
        ],
        ids=[
            "exact",
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
            ClopperPearson(KL(), n0=50, n=1000, alpha=1e-2, joint=100),
            RandomisedClopperPearson(n0=50, n=1000, alpha=1e-4),
            RandomisedClopperPearson(n0=50, n=1000, alpha=1e-4, two_sided=True),
            Sequential([0, 1, 2, 3], n0=50, max_draws=2000, alpha=1e-4),
            Sequential([1], KL(), n0=50, max_draws=1000, alpha=1e-4, joint=5),
            Staged(1, [100, 1000], n0=50, alpha=1e-4),
            Staged(2, [500, 600, 2000], [3, 1, 2], KL(), n0=50, alpha=1e-4, joint=2),
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
