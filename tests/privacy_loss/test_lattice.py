"""Sums of finite losses on a common lattice are bounded by exact enumeration, also where no lattice contains them."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement
from math import factorial, prod

import mpmath
import numpy as np
import pytest

from smoothing.privacy_loss import RepeatedLoss, random_walk, repeated, step

Law = tuple[Fraction, ...]
Group = tuple[Law, Law, int]


def law(*p: str) -> Law:
    return tuple(map(Fraction, p))


THREE = law("7/10", "1/5", "1/10"), law("1/20", "3/4", "1/5")
FOUR = law("1/2", "1/4", "1/8", "1/8"), law("1/3", "1/6", "1/12", "5/12")
SURE = law("3/5", "3/10", "1/10", "0"), law("1/10", "1/2", "3/10", "1/10")
FLIP = law("9/10", "1/10"), law("1/10", "9/10")
MILD = law("1/2", "3/10", "1/5"), law("51/100", "28/100", "21/100")

SUMS: list[tuple[Group, ...]] = [
    *(((*pair, copies),) for pair in (THREE, FOUR, SURE, MILD) for copies in (0, 1, 2, 5, 12)),
    *(((*FLIP, flips), (*THREE, copies)) for flips in (1, 4) for copies in (1, 6)),
    ((*SURE, 3), (*THREE, 2), (*FLIP, 5)),
    ((*MILD, 2), (*FOUR, 3)),
]


@pytest.fixture(autouse=True)
def _fresh_tables() -> Iterator[None]:
    """Keep tables of tampered laws out of other tests."""
    yield
    random_walk.random_walk.cache_clear()
    repeated._ratio_of.cache_clear()


def combined(groups: tuple[Group, ...]) -> RepeatedLoss:
    loss = None
    for mu, rho, copies in groups:
        loss = RepeatedLoss(mu, rho, copies, loss)
    assert loss is not None
    return loss


def outcomes(groups: tuple[Group, ...]) -> list[tuple[Fraction, Fraction]]:
    """Return ``(mu, rho)`` of all counts of outcomes, in exact arithmetic, most favourable to ``rho`` first."""
    joint = {(): (Fraction(1), Fraction(1))}
    pairs = [(Fraction(1), Fraction(1))]
    for mu, rho, copies in groups:
        joint = {}
        for drawn in combinations_with_replacement(range(len(mu)), copies):
            times = [drawn.count(outcome) for outcome in range(len(mu))]
            ways = factorial(copies) // prod(map(factorial, times))
            joint[drawn] = tuple(ways * prod(p**k for p, k in zip(one, times, strict=True)) for one in (mu, rho))  # type: ignore[assignment]
        pairs = [(m * m2, r * r2) for m, r in pairs for m2, r2 in joint.values()]
    return sorted((pair for pair in pairs if any(pair)), key=lambda p: p[0] / p[1] if p[1] else Fraction(10) ** 99)


def exact_gain(groups: tuple[Group, ...], f: Fraction) -> Fraction:
    gain = Fraction(0)
    for m, r in outcomes(groups):
        share = min(Fraction(1), f / m) if m else Fraction(1)
        gain, f = gain + share * r, f - share * m
    return gain


def exact_threshold(groups: tuple[Group, ...]) -> Fraction:
    spent, wanted = Fraction(0), Fraction(1, 2)
    for m, r in outcomes(groups):
        share = min(Fraction(1), wanted / r) if r else Fraction(0)
        spent, wanted = spent + share * m, wanted - share * r
    return spent


def log(value: Fraction) -> mpmath.mpf:
    return mpmath.log(mpmath.mpf(value.numerator) / value.denominator)


@pytest.mark.parametrize("groups", SUMS)
def test_gain_and_threshold_are_bounded_by_exact_ones(groups: tuple[Group, ...]) -> None:
    loss = combined(groups)
    with mpmath.workdps(40):
        truth = log(exact_threshold(groups))
        assert truth - 2e-3 * (1 + abs(truth)) <= loss.log_threshold() <= truth
        for f in map(Fraction, ("1/1000000", "1/1000", "1/50", "1/7", "2/5", "4/5", "1")):
            gain = float(loss.log_gain(np.log([float(f)]) * (1 - 1e-15))[0])
            exact = log(exact_gain(groups, f))
            assert exact - mpmath.mpf("1e-15") <= gain <= exact + 2e-2


@pytest.mark.parametrize("groups", [((*THREE, 5),), ((*FLIP, 4), (*THREE, 6)), ((*MILD, 2), (*FOUR, 3))])
@pytest.mark.parametrize("tampered", ["down", "one lower"])
def test_one_step_in_the_wrong_direction_is_seen(
    groups: tuple[Group, ...], tampered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss rounded down to a point of the lattice is too small, and so is a split one position below."""
    split = step._split

    def lower(likelihood: Fraction, ratio: Fraction | None) -> list[tuple[int, Fraction]]:
        places = split(likelihood, ratio)
        if tampered == "down":
            return [(places[0][0], Fraction(1))]
        return [(max(position - 1, 0), share) for position, share in places]

    monkeypatch.setattr(step, "_split", lower)
    random_walk.random_walk.cache_clear()
    with mpmath.workdps(40):
        assert combined(groups).log_threshold() > log(exact_threshold(groups))


def test_splitting_keeps_both_probabilities_exactly() -> None:
    """Merged, the two outcomes of a split one have its ``mu`` and its ``rho``."""
    ratio, likelihood = Fraction(9, 8), Fraction(7, 3)
    places = step._split(likelihood, ratio)
    assert len(places) == 2
    assert sum(share for _, share in places) == 1
    assert sum(share / ratio**position for position, share in places) == 1 / likelihood


def test_laws_on_one_lattice_are_not_split() -> None:
    assert combined(((*FLIP, 3),))._walk.exact
    square = law("81/82", "1/82"), law("1/82", "81/82")
    assert combined(((*FLIP, 3), (*square, 2)))._walk.exact
    with pytest.raises(ValueError, match="no exact threshold"):
        combined(((*THREE, 3),)).exact_threshold()


def test_divergence_is_that_of_the_coordinates_or_slightly_more() -> None:
    truth = 7 * sum(float(r) * np.log(float(r / m)) for m, r in zip(*THREE, strict=True))
    assert truth <= RepeatedLoss(*THREE, 7).kl() <= truth * (1 + 1e-4)
