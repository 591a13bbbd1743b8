"""Search for zeros and for the largest radius, against known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smoothing.guarantees.search import SMALLEST, TOLERANCE, largest_radius
from smoothing.numerics.bracket import Bracket, zeros

TRUE = np.array([0.0, 1e-3, 0.7, 1.0, 2.5, 3.0, 40.0, 1e6])


@pytest.mark.parametrize("limit", [np.inf, 64.0, 3.0])
@pytest.mark.parametrize("integer", [True, False])
def test_the_largest_radius_is_found_from_below(integer: bool, limit: float) -> None:
    tested: dict[float, NDArray[np.bool_]] = {}

    def margin(radius: float, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        value = TRUE[rows] - radius
        tested.setdefault(radius, np.zeros(len(TRUE), bool))[rows] = value > 0
        return value

    found = largest_radius(margin, len(TRUE), limit, integer)
    if integer:
        assert found.tolist() == np.minimum(np.maximum(np.ceil(TRUE) - 1, 0), limit).tolist()
    else:
        best = np.minimum(TRUE, limit)
        assert (found <= best).all()
        assert (found >= best - np.maximum(2 * TOLERANCE * best, 2 * SMALLEST)).all()
    assert all(radius == 0 or tested[radius][row] for row, radius in enumerate(found))
    assert len(tested) < (60 if integer else 500)


def test_an_end_that_stays_is_halved() -> None:
    ends = Bracket(np.zeros(1), np.ones(1), np.ones(1), np.full(1, -3.0))
    assert ends.crossing().tolist() == [0.25]
    every = np.arange(1)
    ends.narrow(every, np.array([0.25]), np.array([0.5]))
    assert (ends.low.tolist(), ends.high.tolist()) == ([0.25], [1.0])
    assert ends.crossing().tolist() == [0.25 + 0.75 * 0.5 / 3.5]
    ends.narrow(every, np.array([0.5]), np.array([0.5]))
    assert ends.crossing().tolist() == [0.5 + 0.5 * 0.5 / 2.0]
    ends.narrow(every, np.array([0.75]), np.array([-1.0]))
    assert (ends.low.tolist(), ends.high.tolist()) == ([0.5], [0.75])
    ends.narrow(every, np.array([0.625]), np.array([0.0]))
    assert (ends.low.tolist(), ends.high.tolist()) == ([0.5], [0.625])


def test_a_value_that_is_unknown_halves_the_interval() -> None:
    ends = Bracket(np.array([0.0, 2.0]), np.array([4.0, 3.0]), np.ones(2), np.array([-np.inf, -1.0]))
    assert ends.crossing().tolist() == [2.0, 2.5]


def test_zeros_are_those_of_the_functions() -> None:
    true = np.array([0.125, 0.3, 0.9])
    calls: list[NDArray[np.float64]] = []

    def function(points: NDArray[np.float64]) -> NDArray[np.float64]:
        calls.append(points.copy())
        return np.expm1(true - points)

    found = zeros(function, np.zeros(3), np.ones(3), 60, 1e-12)
    assert np.abs(found - true).max() < 3e-12
    assert len(calls) < 20
    few = zeros(function, np.zeros(3), np.ones(3), 0, 1e-12)
    assert ((few > 0) & (few < 1)).all()
    assert np.abs(few - true).max() > 1e-6
