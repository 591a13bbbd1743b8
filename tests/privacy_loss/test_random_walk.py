"""Tables of many steps are fast, sound and independent of the order of requests."""

from collections.abc import Iterator
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import LabelFlip
from smoothing.privacy_loss import RepeatedLoss, random_walk
from smoothing.privacy_loss.random_walk import RandomWalk


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use convolution after a few steps, where exact fractions are fast."""
    monkeypatch.setattr(random_walk, "BLOCK", 4)
    monkeypatch.setattr(random_walk, "STEPWISE", 8)
    random_walk.random_walk.cache_clear()
    yield
    random_walk.random_walk.cache_clear()


def fractions(*law: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, law))


LAWS = [
    (fractions("1/10", "9/10"), fractions("9/10", "1/10")),
    (fractions("499/1000", "501/1000"), fractions("501/1000", "499/1000")),
    (fractions("1/10", "7/10", "1/5"), fractions("7/10", "1/10", "1/5")),
    (fractions("0", "1/50", "49/50"), fractions("1/100", "49/50", "1/100")),
]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("mu", "rho"), LAWS)
@pytest.mark.parametrize("beside", [False, True])
def test_convolved_laws_are_bounded_by_exact_ones(
    mu: tuple[Fraction, ...], rho: tuple[Fraction, ...], beside: bool
) -> None:
    before = RepeatedLoss(rho, mu, 5) if beside and 0 not in mu else None
    with mpmath.workdps(50):
        for copies in (0, 3, 8, 9, 12, 31, 64, 111):
            law = RepeatedLoss(mu, rho, copies, before)
            exact = law.exact_threshold()
            truth = mpmath.log(mpmath.mpf(exact.numerator) / exact.denominator) if exact > 0 else -mpmath.inf
            assert law.log_threshold() <= truth
            assert exact <= 0 or truth - law.log_threshold() <= 1e-12 * (1 + abs(truth))


@pytest.mark.usefixtures("small_blocks")
def test_values_do_not_depend_on_the_order_of_requests() -> None:
    mu, rho = LAWS[2]
    rising = [RepeatedLoss(mu, rho, copies).log_threshold() for copies in range(100)]
    random_walk.random_walk.cache_clear()
    order = np.random.default_rng(0).permutation(100)
    mixed = {int(copies): RepeatedLoss(mu, rho, int(copies)).log_threshold() for copies in order}
    assert rising == [mixed[copies] for copies in range(100)]


def test_a_million_flips_take_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step-by-step computation would take a million steps."""
    steps, advance = [0], RandomWalk._advance

    def counted(walk: RandomWalk, law: random_walk.Law) -> random_walk.Law:
        steps[0] += 1
        return advance(walk, law)

    monkeypatch.setattr(RandomWalk, "_advance", counted)
    bound = VoteBound.one_sided(np.array([-700.0, -1.0]))
    radius = NeymanPearson().radius(LabelFlip("0.499", 2), bound, (10**6,))
    assert radius.tolist() == [10**6, 7118]
    assert steps[0] < 60_000
