"""A user's measure on real numbers, without a channel: draws try to refute its law."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr, ndtri_exp
from torch import Tensor

from smoothing.distance import Distance
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss
from smoothing.testing import MeasureConformance


class ShiftedNormal(PrivacyLoss):
    """Two normal laws, ``shift`` standard deviations apart."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def log_gain(self, log_f: Float) -> Float:
        return np.minimum(log_ndtr(ndtri_exp(log_f) + self.shift) + 1e-12, 0)

    def kl(self) -> float:
        return self.shift**2 / 2


class Normal(SmoothingMeasure):
    """Independent normal noise; ``claimed`` is the sigma that its law speaks of."""

    def __init__(self, sigma: float, claimed: float | None = None) -> None:
        if not sigma > 0:
            raise ValueError(f"Normal: sigma = {sigma}; must be above 0")
        self.sigma = sigma
        self.claimed = claimed or sigma

    @property
    def distance(self) -> Distance:
        return Distance("l2", "pixels", integer=False, strict=True)

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return z + self.sigma * torch.randn(z.shape, generator=generator, dtype=z.dtype, device=z.device)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return ShiftedNormal(radius / self.claimed)


def neighbours_of(z: Tensor) -> list[tuple[Tensor, float]]:
    axis, diagonal = torch.zeros_like(z), torch.ones_like(z)
    axis[0, 0] = 1.0
    return [(z + axis, 1.0), (z + diagonal, float(diagonal.norm())), (z - 0.3 * axis, 0.3)]


class TestNormal(MeasureConformance):
    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Normal(1.0)

    @pytest.fixture
    def z(self) -> Tensor:
        return torch.zeros(3, 2)

    @pytest.fixture
    def neighbours(self, z: Tensor) -> list[tuple[Tensor, float]]:
        return neighbours_of(z)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [lambda: Normal(0.0), lambda: Normal(-1.0)]

    def test_radius_is_the_closed_form(self, measure: SmoothingMeasure, z: Tensor) -> None:
        log_fail = np.log([0.3, 0.1, 1e-3, 1e-9])
        radius = NeymanPearson().radius(measure, VoteBound.one_sided(log_fail), z.shape)
        expected = -ndtri_exp(log_fail)
        assert (radius <= expected).all()
        np.testing.assert_allclose(radius, expected, rtol=1e-9)


def test_a_law_that_claims_more_noise_than_there_is_is_refuted() -> None:
    z = torch.zeros(3, 2)
    with pytest.raises(AssertionError, match="becomes"):
        MeasureConformance().test_no_direction_exceeds_the_law(Normal(1.0, claimed=1.5), z, neighbours_of(z))
