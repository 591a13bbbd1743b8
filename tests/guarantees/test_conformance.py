"""All built-in guarantees pass the conformance suite."""

import pytest

from smoothing.guarantees import KL, Guarantee, NeymanPearson
from smoothing.testing import GuaranteeConformance


class TestNeymanPearson(GuaranteeConformance):
    tight = True

    @pytest.fixture
    def guarantee(self) -> Guarantee:
        return NeymanPearson()


class TestKL(GuaranteeConformance):
    @pytest.fixture
    def guarantee(self) -> Guarantee:
        return KL()
