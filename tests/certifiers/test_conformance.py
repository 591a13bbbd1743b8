"""The built-in certifiers go through the suite."""

import pytest

from smoothing.certifiers import BerryEsseen, Certifier, Chernoff, ClopperPearson, ExactVote
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


class TestClopperPearson(CertifierConformance):
    @pytest.fixture(params=[False, True], ids=["one-sided", "two-sided"])
    def certifier(self, request: pytest.FixtureRequest) -> Certifier:
        return ClopperPearson(n0=50, n=1000, alpha=1e-4, two_sided=request.param)
