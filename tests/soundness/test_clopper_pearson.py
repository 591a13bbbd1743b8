"""Sampled certificates fail with probability at most alpha; selection and estimation use different draws."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from smoothing.certifiers import ClopperPearson
from smoothing.measures import LabelFlip
from smoothing.numerics.binomial import upper_bound
from smoothing.testing import ballots_of
from smoothing.testing.brute_force import majority_standings, number_of
from smoothing.votes import Ballots


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3, 1e-9])
@pytest.mark.parametrize("n", [1, 7, 50, 400])
def test_the_bound_fails_at_most_alpha_of_the_time(n: int, alpha: float) -> None:
    """Sum over all counts, at probabilities on both sides of every bound."""
    bounds = upper_bound(np.arange(n + 1), n, alpha)
    for p in np.unique(np.concatenate([np.linspace(0, 1, 101), np.nextafter(bounds, 2).clip(max=1)])):
        below = bounds < p
        assert binom.pmf(np.arange(n + 1), n, p)[below].sum() <= alpha * (1 + 1e-9)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 10), (9, 10), (17, 60), (0, 1000)])
@pytest.mark.parametrize("alpha", ["0.05", "0.001"])
def test_the_bound_is_not_below_the_exact_one(count: int, n: int, alpha: str) -> None:
    """In fractions: at the bound, at most ``count`` successes have probability at most alpha."""
    p = Fraction(float(upper_bound(np.array(count), n, float(alpha))))
    tail = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(count + 1))
    assert tail <= Fraction(alpha)
    assert float(tail) == pytest.approx(float(alpha), rel=1e-9)


def problem(seed: int) -> Ballots:
    """Return ballots of unequal weights that lose about a third of the draws."""
    return ballots_of(LabelFlip("0.3", 2), [[3.0, 2.0, 2.0, 1.0, 1.0, 0.5]], [0, 0, 0, 0, 1, 1], seed=seed)


@pytest.mark.parametrize("two_sided", [False, True], ids=["one-sided", "two-sided"])
def test_certificates_fail_at_most_alpha_of_the_time(two_sided: bool) -> None:
    alpha, runs = 0.1, 500
    certifier = ClopperPearson(n0=30, n=150, alpha=alpha, two_sided=two_sided)
    first = problem(0)
    channel = first.measure.channel
    lost = 1 - majority_standings(first.scores, 0, channel)[number_of(first.scores.labels.tolist(), 2)]
    failures = 0
    for seed in range(runs):
        certificates = certifier.certify(problem(seed))
        prediction = certificates.prediction[0]
        failures += prediction >= 0 and certificates.log_fail[0] < np.log(lost[prediction])
    assert binomtest(failures, runs, alpha, "greater").pvalue > 1e-6
    assert failures > 0, "no run fails: the test has no power"


def test_selection_and_estimation_use_different_draws() -> None:
    """With the same draws, the counts would be equal."""
    counts = [(problem(seed).counts(100, 0), problem(seed).counts(100, 1)) for seed in range(20)]
    assert any((selection != estimation).any() for selection, estimation in counts)
