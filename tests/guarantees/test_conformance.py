"""All built-in guarantees pass the conformance suite."""

from collections.abc import Sequence

import numpy as np
import pytest

from smoothing.guarantees import KL, Guarantee, JointNeymanPearson, NeymanPearson
from smoothing.measures import LabelFlip, Part, Product, SmoothingMeasure
from smoothing.testing import GuaranteeConformance
from smoothing.testing.brute_force import Float, noise


class TestNeymanPearson(GuaranteeConformance):
    tight = True

    @pytest.fixture
    def guarantee(self) -> Guarantee:
        return NeymanPearson()


class TestKL(GuaranteeConformance):
    @pytest.fixture
    def guarantee(self) -> Guarantee:
        return KL()


class TestJointNeymanPearson(GuaranteeConformance):
    """Two groups of labels, the first with a budget. With one channel for both, the radius is tight."""

    tight = True
    first = 3

    @pytest.fixture(params=[0, 1, 2], ids="budget-{}".format)
    def guarantee(self, request: pytest.FixtureRequest) -> Guarantee:
        self.budget = request.param
        return JointNeymanPearson([self.budget])

    @pytest.fixture
    def measures(self, guarantee: Guarantee, places: int) -> Sequence[SmoothingMeasure]:
        return [self.product(q, q, places) for q in ("0.1", "0.3", "0.45")]

    def product(self, q: str, other: str, places: int) -> Product:
        before, last = range(self.first), range(self.first, places)
        return Product([Part(LabelFlip(q, 2), columns=before), Part(LabelFlip(other, 2), columns=last)])

    def outcomes(self, measure: SmoothingMeasure, changes: int, places: int) -> tuple[Float, Float]:
        assert isinstance(measure, Product)
        pairs = []
        for part, changed in zip(measure.parts, (self.budget, changes), strict=True):
            assert part.columns is not None
            assert part.measure.channel is not None
            flipped = (np.arange(len(part.columns)) < changed).astype(int)
            pairs.append([noise(part.measure.channel, labels) for labels in ([0] * len(flipped), flipped.tolist())])
        mu, rho = (np.outer(first, last).ravel() for first, last in zip(*pairs, strict=True))
        return mu, rho

    def exact_limits(self, measure: SmoothingMeasure, places: int) -> list[float]:
        limits = []
        for radius in range(places - self.first + 1):
            (law,) = measure.joint_loss([self.budget, radius], (places,))  # type: ignore[misc]
            limits.append(float(law.exact_threshold()))
        return limits


class TestJointNeymanPearsonOnALattice(TestJointNeymanPearson):
    """Channels without a common unit, so that the radius need not be tight."""

    tight = False

    @pytest.fixture
    def measures(self, guarantee: Guarantee, places: int) -> Sequence[SmoothingMeasure]:
        return [self.product("0.1", "0.3", places), self.product("0.45", "0.2", places)]

    def exact_limits(self, measure: SmoothingMeasure, places: int) -> list[float]:
        """Half of the mass after the change is lost at this mass before it, by enumeration."""
        limits = []
        for radius in range(places - self.first + 1):
            mu, rho = self.outcomes(measure, radius, places)
            order = np.argsort(-rho / mu)
            limits.append(float(np.interp(0.5, np.append(0, rho[order].cumsum()), np.append(0, mu[order].cumsum()))))
        return limits
