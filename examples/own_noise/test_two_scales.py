import mpmath
import numpy as np
import pytest
import torch
from two_scales import TwoScales

from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.testing import MeasureConformance


class TestTwoScales(MeasureConformance):
    @pytest.fixture
    def measure(self):
        return TwoScales(weak=0.2, strong=0.3, share=0.5)

    @pytest.fixture
    def z(self):
        return torch.full((1, 2, 3), 0.4)

    @pytest.fixture
    def refused(self):
        return [lambda: TwoScales(0.0, 0.3, 0.5), lambda: TwoScales(0.3, 0.2, 0.5), lambda: TwoScales(0.2, 0.3, 1.0)]


def gain(measure, radius, f):
    """Largest probability of an event of probability ``f`` after a change by ``radius``, with revealed scale."""
    kinds = [(1 - measure.share, radius / measure.weak), (measure.share, radius / measure.strong)]

    def above(threshold, moved):
        """Probability of a loss above a threshold, for the original (-1) or the changed (1) image."""
        total = 0
        for share, m in kinds:
            middle, width = moved * m**2 / 2, 12 * m
            ends = [max(threshold, middle + part * width) for part in (-1, -0.3, 0, 0.3, 1)]
            total += share * mpmath.quad(lambda loss, m=m, middle=middle: mpmath.npdf(loss, middle, m), ends)
        return total

    low, high = mpmath.mpf(-60), mpmath.mpf(60)
    for _ in range(50):
        threshold = (low + high) / 2
        low, high = (threshold, high) if above(threshold, -1) > f else (low, threshold)
    return above(low, 1)


@pytest.mark.parametrize("f", [1e-5, 0.01, 0.3])
def test_radius_is_where_integration_says(f):
    """An event of probability ``f`` stays below one half just inside the radius, and exceeds it just outside."""
    measure = TwoScales(weak=0.2, strong=0.3, share=0.5)
    (radius,) = NeymanPearson().radius(measure, VoteBound.one_sided(np.log([f])), (1, 2, 3))
    assert gain(measure, radius * (1 - 1e-9), f) < 0.5 < gain(measure, radius * (1 + 1e-9), f)
