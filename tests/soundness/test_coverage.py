"""Sampled certificates fail with probability at most alpha. The probabilities are computed exactly.

Every possible count of ``n`` draws is certified. If the number of draws is random, a dynamic program runs over the
counts at which the certifier decides.
"""

from collections.abc import Sequence
from itertools import product
from math import lgamma

import numpy as np
import pytest
from scipy.stats import binom, norm

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import ClopperPearson, Prediction, Sequential, Staged
from smoothing.certifiers.sampled.betting import most_lost
from smoothing.certifiers.sampled.sequential import rounds
from smoothing.measures import Gaussian
from smoothing.numerics.binomial import randomised_upper_bound, upper_bound
from tests.counted import SLACK, Float, counted, crossing_probability, every_count

SIZES = [12, 100, 1_000, 10_000, pytest.param(100_000, marks=pytest.mark.slow)]
ALPHAS = [0.1, 0.001]
LOST = np.unique(np.concatenate([np.logspace(-6, -0.35, 40), np.linspace(0.05, 0.95, 19)]))
"""True shares of lost draws."""

SIGMA = 0.5


def just_above(bounds: Float, number: int = 40) -> Float:
    """Return true probabilities just above some of the bounds."""
    chosen = np.unique(bounds[np.linspace(0, len(bounds) - 1, number).astype(int)])
    return np.nextafter(chosen[chosen < 1], 2)


def wrong(certificates: Certificates, lost: float) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which certificates of class 0 are wrong if it loses this share of all draws."""
    return (certificates.prediction == 0) & (
        (certificates.radius > SIGMA * norm.isf(lost)) | (lost >= 0.5) | (np.exp(certificates.log_fail) < lost)
    )


@pytest.mark.parametrize("two_sided", [False, True], ids=["one-sided", "two-sided"])
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", SIZES)
def test_clopper_pearson(n: int, alpha: float, two_sided: bool) -> None:
    certifier = ClopperPearson(n=n, alpha=alpha, two_sided=two_sided)
    certificates = certifier.certify(counted(Gaussian(SIGMA), every_count(n)))
    bounds = np.exp(certificates.log_fail)
    errors = [
        binom.pmf(np.arange(n + 1), n, lost)[wrong(certificates, lost)].sum()
        for lost in np.concatenate([LOST, just_above(bounds)])
    ]
    assert max(errors) <= alpha * (1 + SLACK)
    assert two_sided or n == 12 or max(errors) > 0.9 * alpha


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [12, 30])
def test_clopper_pearson_with_three_classes(n: int, alpha: float) -> None:
    """Check both bounds simultaneously, for all possible counts."""
    counts = np.array([(n - b - c, b, c) for b, c in product(range(n + 1), repeat=2) if b + c <= n])
    certificates = ClopperPearson(n=n, alpha=alpha, two_sided=True).certify(counted(Gaussian(SIGMA), counts))
    assert (certificates.prediction == 0).any()
    for b, c in product(np.linspace(0.005, 0.6, 18), repeat=2):
        if b + c < 1:
            bounds = np.exp(certificates.log_fail), np.exp(certificates.log_rival)
            missed = (bounds[0] < b + c) | (bounds[1] < max(b, c))
            truth = SIGMA / 2 * (norm.isf(b + c) - norm.ppf(max(b, c)))
            promised = (certificates.prediction == 0) & (certificates.radius > max(truth, 0))
            assert multinomial(counts, (1 - b - c, b, c))[missed | promised].sum() <= alpha * (1 + SLACK)


def multinomial(counts: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", p: Sequence[float]) -> Float:
    ways = [lgamma(row.sum() + 1) - sum(lgamma(count + 1) for count in row) for row in counts]
    return np.exp(ways) * np.prod(np.asarray(p) ** counts, axis=1)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", SIZES)
def test_randomised_clopper_pearson(n: int, alpha: float) -> None:
    """For each count, the uniforms at which the bound fails are an interval, found by bisection."""
    whole = upper_bound(np.arange(n + 1), n, alpha)
    truth = np.concatenate([LOST, just_above(whole, 12)])
    # A bound that fails for some uniforms only belongs to the first count whose bound does not fail for all.
    sure = (whole < truth[:, None]).sum(1)
    errors = np.array([binom.pmf(np.arange(n + 1), n, p)[:count].sum() for p, count in zip(truth, sure, strict=True)])
    for count in (sure, sure + 1):
        low, high, there = np.zeros(len(truth)), np.ones(len(truth)), count <= n
        for _ in range(50):
            middle = (low + high) / 2
            fails = randomised_upper_bound(np.minimum(count, n), n, alpha, middle) < truth
            low, high = np.where(fails, middle, low), np.where(fails, high, middle)
        assert (count == sure).all() or (high[there] < 1e-9).all()
        errors += np.where(there, high * binom.pmf(count, n, truth), 0)
    assert errors.max() <= alpha * (1 + SLACK)
    assert errors[binom.pmf(0, n, truth) < alpha].min() > alpha * (1 - 1e-6)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", SIZES)
def test_betting(n: int, alpha: float) -> None:
    """Check the share of lost draws to be refuted and larger ones, after every round."""
    looks = rounds(n)
    errors = []
    for f in LOST:
        limits = most_lost(np.array(looks), f, alpha, n)
        assert (np.diff(limits) >= 0).all()
        for truth in (f, min(1.001 * f, 0.999), min(1.5 * f, 0.999)):
            errors.append(crossing_probability(truth, looks, limits.tolist()))
    assert max(errors) <= alpha * (1 + SLACK)
    assert n < 1_000 or max(errors) > alpha / 4


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 100, 1_000, 10_000])
def test_betting_holds_with_a_look_at_every_draw(n: int) -> None:
    looks = np.arange(1, n + 1)
    for f in LOST[::6]:
        limits = most_lost(looks, f, 0.1, n)
        assert crossing_probability(f, looks.tolist(), limits.tolist()) <= 0.1 * (1 + SLACK)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [12, 100, 1_000, 10_000, 100_000])
def test_sequential(n: int, alpha: float) -> None:
    """False radii are certified, and true ones refuted, with probability at most alpha at any stopping time."""
    certifier = Sequential([0, 0.25, 0.5, 0.75, 1.0, 1.5], max_draws=n, alpha=alpha)
    thresholds = certifier.thresholds(Gaussian(SIGMA), (1,))
    limits = np.exp(thresholds.log_fail)
    for lost in np.concatenate([LOST, limits, np.nextafter(limits, 1)]):
        false = limits <= lost
        if false.any():
            hits = np.where(false, thresholds.most_lost, -1).max(1)
            assert crossing_probability(lost, certifier.rounds, hits.tolist()) <= alpha * (1 + SLACK)
        within_reach = ~false & (thresholds.most_lost[-1] >= 0)
        if within_reach.any():
            hits = np.where(within_reach, thresholds.most_won, -1).max(1)
            assert crossing_probability(1 - lost, certifier.rounds, hits.tolist()) <= alpha * (1 + SLACK)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(
    ("stages", "shares"),
    [
        ([10], None),
        ([10, 100], None),
        ([50, 100, 1_000], [1, 2, 5]),
        pytest.param([1_000, 10_000, 100_000], None, marks=pytest.mark.slow),
    ],
)
def test_staged(stages: list[int], shares: list[float] | None, alpha: float) -> None:
    """The bounds of all stages hold simultaneously."""
    certifier = Staged(0.5, stages, shares, alpha=alpha)
    bounds = [upper_bound(np.arange(n + 1), n, level) for n, level in zip(stages, certifier.levels, strict=True)]
    assert sum(certifier.levels) <= alpha
    errors = []
    for lost in np.concatenate([LOST, *(just_above(bound, 12) for bound in bounds)]):
        limits = [int((bound < lost).sum()) - 1 for bound in bounds]
        errors.append(crossing_probability(lost, stages, limits))
    assert max(errors) <= alpha * (1 + SLACK)
    assert stages == [10] or max(errors) > alpha / 2


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [12, 100, 1_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (10_000, 100_000))])
def test_prediction(n: int, alpha: float) -> None:
    """Check all counts of two classes. If both are equally probable, every prediction is wrong."""
    predicted = Prediction(n=n, alpha=alpha).certify(counted(Gaussian(SIGMA), every_count(n))).prediction
    assert (predicted >= 0).any()
    for lost in np.concatenate([LOST[LOST < 0.5], 0.5 - np.logspace(-9, -2, 8)]):
        assert binom.pmf(np.arange(n + 1), n, lost)[predicted == 1].sum() <= alpha * (1 + SLACK)
    even = binom.pmf(np.arange(n + 1), n, 0.5)[predicted >= 0].sum()
    assert even <= alpha * (1 + SLACK)
    assert even > alpha / 10


@pytest.mark.parametrize("alpha", ALPHAS)
def test_prediction_with_three_classes(alpha: float) -> None:
    """The two compared classes are selected on the draws that compare them."""
    n = 30
    counts = np.array([(n - b - c, b, c) for b, c in product(range(n + 1), repeat=2) if b + c <= n])
    predicted = Prediction(n=n, alpha=alpha).certify(counted(Gaussian(SIGMA), counts)).prediction
    laws = [(1 - b - c, b, c) for b, c in product(np.linspace(0.01, 0.98, 25), repeat=2) if b + c < 1]
    for p in [*laws, (1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0.0), (0.4, 0.4, 0.2)]:
        best = np.isclose(p, max(p), atol=1e-12)
        right = np.append(best if best.sum() == 1 else np.zeros(3, bool), True)[predicted]
        assert multinomial(counts, p)[~right].sum() <= alpha * (1 + SLACK)
