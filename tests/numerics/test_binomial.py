"""Bounds on probabilities are numbers within [0, 1] at every failure probability."""

import numpy as np
import pytest

from smoothing.numerics.binomial import randomised_upper_bound, upper_bound


@pytest.mark.parametrize("alpha", [0.5, 1e-3, 1e-50, 1e-200, 1e-300])
@pytest.mark.parametrize("n", [1, 2, 10, 100, 10_000, 1_000_000])
def test_bounds_are_probabilities(alpha: float, n: int) -> None:
    count = np.unique([0, 1, n // 10, n // 2, n - 1, n])
    plain = upper_bound(count, n, alpha)
    randomised = randomised_upper_bound(count, n, alpha, np.full(len(count), 0.5))
    assert (plain >= randomised).all()
    assert ((plain >= 0) & (plain <= 1)).all()
    assert ((randomised >= 0) & (randomised <= 1)).all()
    assert (np.diff(plain) >= 0).all()
