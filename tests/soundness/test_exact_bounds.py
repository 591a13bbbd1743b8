"""No bound and no radius is above what exact binomial tails and a 50-digit quantile allow, down to the last bit.

A radius ``R`` of Gaussian noise claims that fewer than ``Phi(-R / sigma)`` of all draws are lost. It claims too much if
so few lost draws as were seen are more probable than alpha at that very share.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import mpmath
import numpy as np
import pytest

from smoothing.certifiers import ClopperPearson, RandomisedClopperPearson, Sequential, Staged
from smoothing.certifiers.sampled.betting import spread_odds
from smoothing.measures import Gaussian
from smoothing.numerics.binomial import randomised_upper_bound, uniform_behind, upper_bound
from smoothing.votes import Ballots
from tests.counted import counted, some_counts, tail

SIGMA = 0.37
ALPHAS = [0.5, 0.01, 0.001, 1e-9]


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def lost_share(radius: float) -> mpmath.mpf:
    """Return ``Phi(-R / sigma)``."""
    return mpmath.erfc(mpmath.mpf(radius) / mpmath.mpf(SIGMA) / mpmath.sqrt(2)) / 2


def radius_at(lost: mpmath.mpf) -> mpmath.mpf:
    """Return ``sigma Phi^-1(1 - lost)``."""
    return mpmath.mpf(SIGMA) * mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * lost)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [1, 10, 100])
def test_every_bound_in_fractions(n: int, alpha: float) -> None:
    """At most ``count`` successes have probability at most alpha at the bound, and more than alpha just below it."""
    for count, bound in enumerate(upper_bound(np.arange(n + 1), n, alpha).tolist()):
        for share, certain in ((Fraction(bound), True), (Fraction(bound) * (1 - Fraction(1, 10**11)), False)):
            few = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(count + 1))
            assert count == n or (few <= Fraction(alpha)) == certain


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_bounds_of_many_draws(n: int, alpha: float) -> None:
    counts = np.array(list(some_counts(n, 12)))
    for count, bound in zip(counts.tolist(), upper_bound(counts, n, alpha).tolist(), strict=True):
        assert tail(count, n, mpmath.mpf(bound)) <= alpha
        assert tail(count, n, mpmath.mpf(bound) * (1 - mpmath.mpf(10) ** -11)) > alpha


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [10, 1_000, 100_000])
def test_randomised_bounds(n: int, alpha: float) -> None:
    counts = np.array([count for count in some_counts(n, 8) if count > 0])
    for uniform in (1e-9, 0.25, 0.999, 1.0):
        bounds = randomised_upper_bound(counts, n, alpha, np.full(len(counts), uniform))
        assert (bounds <= upper_bound(counts, n, alpha)).all()
        for count, bound in zip(counts.tolist(), bounds.tolist(), strict=True):
            p = mpmath.mpf(bound)
            below = tail(count - 1, n, p)
            assert below + mpmath.mpf(uniform) * (tail(count, n, p) - below) <= alpha
        np.testing.assert_allclose(uniform_behind(bounds, counts, n, alpha), uniform, atol=1e-8)


def test_randomised_bound_without_lost_draws_is_clopper_pearsons() -> None:
    none = np.zeros(3, np.int64)
    assert (randomised_upper_bound(none, 100, 0.01, np.array([1e-9, 0.3, 1])) == upper_bound(none, 100, 0.01)).all()


@pytest.mark.parametrize("alpha", [0.01, 0.001])
@pytest.mark.parametrize("n", [10, 100, 1_000, 10_000, 100_000])
def test_radii_of_clopper_pearson(n: int, alpha: float) -> None:
    lost = np.array(list(some_counts(n, 15)))
    certificates = ClopperPearson(n=n, alpha=alpha).certify(counted(Gaussian(SIGMA), np.stack([n - lost, lost], 1)))
    assert (certificates.radius > 0).any()
    for count, radius in zip(lost.tolist(), certificates.radius.tolist(), strict=True):
        assert radius == 0 or tail(count, n, lost_share(radius)) <= alpha
        assert radius == 0 or tail(count, n, lost_share(radius * (1 + 1e-9))) > alpha


@pytest.mark.parametrize("n", [100, 10_000])
def test_radii_of_two_sided_bounds(n: int) -> None:
    """The radius is half the sum of the quantiles of the two bounds."""
    alpha, rng = 0.01, np.random.default_rng(n)
    lost = np.array([count for count in some_counts(n, 12) if count < n // 3])
    rival = (lost * rng.random(len(lost))).astype(int)
    counts = np.stack([n - lost, rival, lost - rival], 1)
    certificates = ClopperPearson(n=n, alpha=alpha, two_sided=True).certify(counted(Gaussian(SIGMA), counts))
    columns = certificates.n_b, certificates.log_fail, certificates.log_rival, certificates.radius
    assert (certificates.radius > 0).any()
    for count, n_b, log_fail, log_rival, radius in zip(lost.tolist(), *(c.tolist() for c in columns), strict=True):
        fail, other = mpmath.exp(mpmath.mpf(log_fail)), mpmath.exp(mpmath.mpf(log_rival))
        assert tail(count, n, fail) <= mpmath.mpf(alpha) / 3
        assert log_rival == log_fail or tail(n_b, n, other) <= mpmath.mpf(alpha) / 3
        assert radius == 0 or radius <= (radius_at(fail) + radius_at(other)) / 2


@pytest.mark.parametrize("n", [100, 10_000])
def test_radii_of_the_randomised_bound(n: int) -> None:
    alpha, seed = 0.01, 4
    lost = np.array([count for count in some_counts(n, 15) if 0 < count < n // 3])
    ballots = counted(Gaussian(SIGMA), np.stack([n - lost, lost], 1), seed)
    radii = RandomisedClopperPearson(n=n, alpha=alpha).certify(ballots).radius.tolist()
    plain = ClopperPearson(n=n, alpha=alpha).certify(ballots).radius.tolist()
    for row, (count, radius) in enumerate(zip(lost.tolist(), radii, strict=True)):
        p, uniform = lost_share(radius), RandomisedClopperPearson.uniform(seed, row)
        below = tail(count - 1, n, p)
        assert below + mpmath.mpf(uniform) * (tail(count, n, p) - below) <= alpha
        assert radius >= plain[row]


@pytest.mark.parametrize("alpha", [0.01, 0.001])
def test_radii_of_staged_draws(alpha: float) -> None:
    """If sampling stops at the first stage, the share of alpha of that stage applies."""
    n = 1_000
    lost = np.array([count for count in some_counts(n, 12) if count < n // 10])
    certifier = Staged(0.01, [n, 10 * n], [1, 3], alpha=alpha)
    certificates = certifier.certify(counted(Gaussian(SIGMA), np.stack([n - lost, lost], 1)))
    assert (certificates.n == n).all()
    for count, radius in zip(lost.tolist(), certificates.radius.tolist(), strict=True):
        assert tail(count, n, lost_share(radius)) <= mpmath.mpf(alpha) / 4


@pytest.mark.parametrize("max_draws", [1_000, 100_000])
def test_sequential_decides_only_where_the_exact_capital_suffices(max_draws: int) -> None:
    certifier = Sequential([0, 0.1, 0.5, 1.0], max_draws=max_draws, alpha=0.001)
    thresholds = certifier.thresholds(Gaussian(SIGMA), (1,))
    assert (thresholds.most_lost[-1, :3] > 0).all()
    for question, radius in enumerate(thresholds.radius.tolist()):
        share = lost_share(radius)
        # The bound is valid for any odds, if the payments are fair.
        odds = spread_odds(float(np.nextafter(np.exp(thresholds.log_fail[question]), 0)), 0.001, max_draws).tolist()
        payments = [(-mpmath.log1p(share * mpmath.expm1(-mpmath.mpf(o))), mpmath.mpf(o)) for o in odds]
        for draws, lost in zip(certifier.rounds, thresholds.most_lost[:, question].tolist(), strict=True):
            if lost >= 0:
                capital = sum(mpmath.exp(draws * g - lost * o) for g, o in payments) / len(odds)
                assert capital >= 1 / mpmath.mpf(0.001)


def test_thresholds_are_the_largest() -> None:
    """With one more lost draw, the exact capital does not suffice."""
    certifier = Sequential([0.3], max_draws=10_000, alpha=0.001)
    thresholds = certifier.thresholds(Gaussian(SIGMA), (1,))
    share = lost_share(0.3)
    odds = spread_odds(float(share), 0.001, 10_000).tolist()
    for draws, lost in zip(certifier.rounds, thresholds.most_lost[:, 0].tolist(), strict=True):
        payments = [(-mpmath.log1p(share * mpmath.expm1(-mpmath.mpf(o))), mpmath.mpf(o)) for o in odds]
        capital = sum(mpmath.exp(draws * g - (lost + 1) * o) for g, o in payments) / len(odds)
        assert capital < 1 / mpmath.mpf(0.001) * (1 + mpmath.mpf(10) ** -6)


def test_a_joint_level_is_the_union_bound() -> None:
    n, joint = 1_000, 500
    lost = np.array(list(some_counts(n, 10)))
    ballots: Ballots = counted(Gaussian(SIGMA), np.stack([n - lost, lost], 1))
    certificates = ClopperPearson(n=n, alpha=0.001, joint=joint).certify(ballots)
    assert Fraction(certificates.alpha) * joint <= Fraction(0.001)
    assert certificates.assumptions == (
        "at most 500 examples are requested: all certificates hold at once at alpha 0.001",
    )
    for count, radius in zip(lost.tolist(), certificates.radius.tolist(), strict=True):
        assert radius == 0 or tail(count, n, lost_share(radius)) <= mpmath.mpf(0.001) / joint
