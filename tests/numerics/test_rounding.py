"""Directed rounding against fractions and numbers of 60 digits."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from smoothing.numerics.rounding import EPSILON, LOG_2, LOG_HALF_DOWN, UNIT, balance, down, step_up, up, wide

FLOATS = [0.0, 1.0, -1.0, 1.5, -0.3, 1e-300, -1e-300, 2.0**60 + 2.0**10, float(np.finfo(float).tiny)]
OFFSETS = [Fraction(0), Fraction(1, 10**40), Fraction(-1, 10**40)]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("near", FLOATS)
def test_down_and_up_are_the_neighbours(near: float, offset: Fraction) -> None:
    value = Fraction(near) * (1 + offset) if near else offset
    low, high = down(value), up(value)
    assert Fraction(low) <= value <= Fraction(high)
    assert high == (low if Fraction(low) == value else np.nextafter(low, np.inf))


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(-22, 7), Fraction(10**40, 3), Fraction(5, 2)])
def test_a_wide_float_is_nearer_than_a_unit(value: Fraction) -> None:
    found = wide(value)
    head = float(found)
    assert abs(Fraction(head) + Fraction(float(found - np.longdouble(head))) - value) <= abs(value) * Fraction(
        float(UNIT)
    )


def test_constants_are_on_their_side_of_the_truth() -> None:
    with mpmath.workdps(60):
        log_half = mpmath.log(mpmath.mpf(1) / 2)
        assert mpmath.mpf(LOG_HALF_DOWN) < log_half <= mpmath.mpf(float(np.nextafter(LOG_HALF_DOWN, 0.0)))
        assert abs(mpmath.mpf(LOG_2[0]) + mpmath.mpf(LOG_2[1]) + log_half) < mpmath.mpf(10) ** -32
    assert Fraction(1) + Fraction(EPSILON) == Fraction(float(np.nextafter(1.0, 2.0)))


@pytest.mark.parametrize("ulps", [0, 1, 3])
def test_steps_are_counted(ulps: int) -> None:
    start = np.array([1.0, -1.0, 0.0])
    expected = start.copy()
    for _ in range(ulps):
        expected = np.nextafter(expected, np.inf)
    assert step_up(start, ulps).tolist() == expected.tolist()


@pytest.mark.parametrize(
    "log_p", [-1e-9, -0.2, -0.69, float(-np.log(2)), float(-np.log(2)) + 1e-15, -0.6931471, -1.0, -40.0]
)
def test_the_balance_is_accurate_to_two_units(log_p: float) -> None:
    with mpmath.workdps(60):
        true = 1 - 2 * mpmath.exp(mpmath.mpf(log_p))
        found = mpmath.mpf(float(balance(np.array([log_p]))[0]))
        assert abs(found - true) <= 2 * EPSILON * abs(true)
