from fractions import Fraction

import numpy as np
import pytest

from smoothing.certificates.per_input import changed_inputs, per_input, per_input_curve
from smoothing.distance import Distance
from tests.samples import FLIPS, L2, table

L1 = Distance("l1", "input units", integer=False, strict=True)


@pytest.mark.parametrize(
    ("inputs", "counts"), [(1, [1]), (7, [1, 7]), (599, [1, 6, 60, 599]), (50_000, [1, 50, 500, 5_000, 50_000])]
)
def test_one_a_tenth_of_a_percent_one_ten_and_all(inputs: int, counts: list[int]) -> None:
    assert changed_inputs(inputs) == counts


@pytest.mark.parametrize("count", [1, 2, 3, 599, 50_000])
def test_shares_never_add_up_to_more_than_the_radius(count: int) -> None:
    radii = np.random.default_rng(count).random(200) * 3
    made, distance = per_input(table(*((1, float(r)) for r in radii)), L2, [count])
    assert distance.unit == "input units, each changed input"
    assert made.certifiers == (f"exact, {count} changed",)
    for whole, each in zip(radii, made["radius"], strict=True):
        assert Fraction(float(each)) ** 2 * count <= Fraction(float(whole)) ** 2
        assert Fraction(np.nextafter(each, 9, dtype=float) * (1 + 1e-15)) ** 2 * count > Fraction(float(whole)) ** 2


@pytest.mark.parametrize(("whole", "count"), [(3.461751415055243, 288), (1.9428365424147207, 24)])
def test_nor_do_they_where_nothing_is_wider_than_float64(
    whole: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smoothing.certificates.per_input.WIDE", np.float64)
    made, _ = per_input(table((1, whole)), L2, [count])
    assert Fraction(float(made["radius"][0])) ** 2 * count <= Fraction(whole) ** 2


def test_in_l1_changes_add_up() -> None:
    made, _ = per_input(table((1, 3.0)), L1, [4])
    assert made["radius"][0] == pytest.approx(0.75, rel=1e-15)
    assert made["radius"][0] < 0.75


def test_other_distances_cannot_be_shared_out() -> None:
    with pytest.raises(ValueError, match="l0 radii; must be l1 or l2"):
        per_input(table((1, 3.0)), FLIPS, [1])


@pytest.mark.parametrize("counts", [[], [0], [1, 1], [-1], [float("nan")]])
def test_counts_that_are_not_allowed(counts: list[int]) -> None:
    with pytest.raises(ValueError, match=r"per input: counts = \[.*\]; must be different whole numbers, at least 1"):
        per_input(table((1, 3.0)), L2, counts)


def test_there_must_be_an_input() -> None:
    with pytest.raises(ValueError, match="changed inputs: inputs = 0; must be at least 1"):
        changed_inputs(0)


def test_the_curve_begins_with_accuracy_and_ends_with_nothing() -> None:
    whole = table((1, 2.0), (1, 0.5), (0, 3.0), (-1, 0.0), (1, 0.0))
    curve = per_input_curve(*per_input(whole, L2, [1, 100]))
    one, many = curve.accuracy["exact, 1 changed"], curve.accuracy["exact, 100 changed"]
    assert one[0] == many[0] == 0.6
    assert one[-1] == many[-1] == 0
    assert (one >= many).all()
    at = np.searchsorted(curve.radii, 0.19)
    assert (one[at], many[at]) == (0.4, 0.2)


def test_nothing_certified_has_a_curve_too() -> None:
    curve = per_input_curve(*per_input(table((1, 0.0), (-1, 0.0)), L2, [1, 10]))
    assert curve.accuracy["exact, 10 changed"][0] == 0.5
