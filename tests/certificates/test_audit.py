from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.stats import beta, binom, norm

from smoothing.certificates import read_tsv
from smoothing.certificates.audit import SEARCHED, _cache, _tails, audit, printed_from
from smoothing.certifiers.sampled.clopper_pearson import upper_bound

LOGS = Path(__file__).parents[1] / "data"
CIFAR10 = LOGS / "cohen_certify"

FORMATS: dict[str, Callable[[float], str]] = {
    "three digits": "{:.3}".format,
    "three places": "{:.3f}".format,
    "all digits": repr,
}


def certified(counts: np.ndarray, n: int, alpha: float, sigma: float) -> np.ndarray:
    """The radii of Cohen et al. 2019, those above 0."""
    radii = sigma * norm.ppf(beta.ppf(alpha, counts, n - counts + 1))
    return radii[radii > 0]


def logged(radii: np.ndarray, spell: Callable[[float], str]) -> list[float]:
    return [float(spell(float(radius))) for radius in radii]


@pytest.mark.parametrize(
    ("log", "sigma", "alpha", "impossible"),
    [
        ("cohen_certify/cifar10_resnet110_train0.12_certify0.12.tsv", 0.12, 0.001, 0),
        ("cohen_certify/cifar10_resnet110_train0.25_certify0.25.tsv", 0.25, 0.01, 107),
        ("cohen_certify/cifar10_resnet110_train0.25_certify0.50.tsv", 0.50, 0.001, 0),
        ("cohen_certify/cifar10_resnet110_train0.50_certify0.50.tsv", 0.50, 0.01, 15),
        ("cohen_certify/cifar10_resnet110_train1.00_certify1.00.tsv", 1.00, 0.01, 5),
        ("mnist_lenet_gaussian_0.50.tsv", 0.50, 0.001, 0),
    ],
)
def test_released_logs(log: str, sigma: float, alpha: float, impossible: int):
    """Stated for all of them: alpha = .001, n = 100,000."""
    radii = read_tsv(LOGS / log)[0]["radius"]
    finding = audit(radii, 0.001, sigma, 100_000)
    assert finding.impossible_rows == impossible
    assert finding.unexplained == 0
    value, low, high = finding.best
    assert value == alpha
    assert low <= alpha <= high < 1.01 * low
    assert audit(radii, alpha, sigma, 100_000).impossible == {}


def test_impossible_radii_are_those_that_no_count_prints():
    """By going through all counts."""
    radii = read_tsv(CIFAR10 / "cifar10_resnet110_train0.25_certify0.25.tsv")[0]["radius"]
    printed = set(logged(certified(np.arange(50_000, 100_001), 100_000, 0.001, 0.25), "{:.3}".format))
    expected = {float(radius): int((radii == radius).sum()) for radius in radii if radius > 0 and radius not in printed}
    assert audit(radii, 0.001, 0.25, 100_000).impossible == expected
    assert expected[0.978] == 65


@given(
    n=st.integers(1, 3000),
    alpha=st.sampled_from([1e-6, 0.001, 0.01, 0.0137, 0.05]),
    sigma=st.sampled_from([0.12, 0.25, 1.0]),
    spell=st.sampled_from(list(FORMATS.values())),
    seed=st.integers(0, 9),
)
def test_what_a_certificate_prints_is_never_called_impossible(
    n: int, alpha: float, sigma: float, spell: Callable[[float], str], seed: int
):
    counts = np.random.default_rng(seed).integers(n // 2, n + 1, 40)
    radii = [radius for radius in logged(certified(counts, n, alpha, sigma), spell) if radius > 0]
    finding = audit(radii, alpha, sigma, n)
    assert finding.impossible == {}
    assert finding.rows == len(radii)
    assert finding.unexplained == 0
    assert finding.best[0] == alpha


def digits(number: float) -> int:
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


@pytest.mark.parametrize("alpha", [0.0137, 0.02, 1e-6])
@pytest.mark.parametrize("spell", FORMATS.values(), ids=FORMATS)
def test_the_alpha_of_a_log_is_found(alpha: float, spell: Callable[[float], str]):
    finding = audit(logged(certified(np.arange(9_950, 10_001), 10_000, alpha, 0.5), spell), 0.001, 0.5, 10_000)
    assert finding.impossible
    assert finding.unexplained == 0
    assert any(low <= alpha <= high for low, high in finding.fits)
    value, low, high = finding.best
    assert low <= value <= high
    assert digits(value) <= digits(alpha), "the simplest number that fits"


def test_our_own_radii_pass():
    """They are rounded down at every step, and logged to the last bit."""
    n, alpha, sigma = 1000, 0.001, 0.5
    log_fail = np.nextafter(np.log(upper_bound(np.arange(200), n, alpha)), np.inf)
    radii = np.nextafter(-sigma * norm.ppf(np.exp(log_fail)), 0)
    assert audit(radii, alpha, sigma, n).impossible == {}
    assert len(audit(radii, 0.0011, sigma, n).impossible) == 200


def test_one_impossible_row_does_not_hide_the_alpha_of_the_others():
    radii = [*logged(certified(np.arange(9_900, 10_001), 10_000, 0.01, 0.5), "{:.3}".format), 2.5, 2.5]
    finding = audit(radii, 0.01, 0.5, 10_000)
    assert finding.impossible == {2.5: 2}
    assert finding.unexplained == 2
    assert finding.best[0] == 0.01


def test_a_wrong_number_of_draws_explains_nothing():
    radii = read_tsv(CIFAR10 / "cifar10_resnet110_train0.25_certify0.25.tsv")[0]["radius"]
    assert audit(radii, 0.01, 0.25, 10_000).unexplained > 100


def test_windows_end_where_exact_arithmetic_says():
    """All votes for one class, all but one, all but two."""
    n = 100
    fits = audit([1.51], 0.001, 1.0, n).fits
    with mp.workdps(50):
        ends = [mp.ncdf(mpf(bound)) for bound in ("1.505", "1.515")]
        for lost, window in enumerate(fits[:3]):
            tails = [sum(mp.binomial(n, k) * p ** (n - k) * (1 - p) ** k for k in range(lost + 1)) for p in ends]
            assert window == pytest.approx([float(tail) for tail in tails], rel=1e-6)


def test_an_infinite_radius_is_impossible():
    finding = audit([np.inf, 0.3], 0.001, 0.5, 10_000)
    assert finding.impossible == {np.inf: 1}


def test_rows_without_a_radius_claim_nothing():
    finding = audit([0.0, 0.0], 0.001, 0.5, 100)
    assert (finding.rows, finding.impossible, finding.unexplained) == (0, {}, 0)
    assert finding.fits == (SEARCHED,)
    assert finding.best[0] == 0.001


@pytest.mark.parametrize("spell", FORMATS.values(), ids=FORMATS)
def test_what_printing_rounds_away_is_allowed_for(spell: Callable[[float], str]):
    true = np.random.default_rng(1).uniform(0.001, 4, 5000)
    low, high = printed_from(np.array(logged(true, spell)))
    assert (low <= true).all()
    assert (true <= high).all()
    widest = {"three digits": 0.0101, "three places": 0.0011, "all digits": 1e-8}
    assert (high - low).max() <= next(widest[name] for name, known in FORMATS.items() if known is spell)


@pytest.mark.parametrize(
    ("alpha", "sigma", "n", "message"),
    [
        (0.0, 0.5, 100, r"audit: alpha = 0.0; must be within \[1e-09, 0.5\]"),
        (0.7, 0.5, 100, r"audit: alpha = 0.7; must be within"),
        (np.nan, 0.5, 100, r"audit: alpha = nan; must be within"),
        (0.001, 0.0, 100, r"audit: sigma = 0.0; must be finite and above 0"),
        (0.001, -1.0, 100, r"audit: sigma = -1.0; must be finite and above 0"),
        (0.001, np.inf, 100, r"audit: sigma = inf; must be finite and above 0"),
        (0.001, 0.5, 0, r"audit: n = 0; must be at least 1"),
        (0.001, 0.5, 1.5, r"audit: n = 1.5; must be at least 1 and a whole number"),
    ],
)
def test_what_cannot_be(alpha: float, sigma: float, n: int, message: str):
    with pytest.raises(ValueError, match=message):
        audit([0.5], alpha, sigma, n)


@pytest.mark.parametrize("radius", [-1.0, np.nan])
def test_what_is_no_radius(radius: float):
    with pytest.raises(ValueError, match=f"audit: radius = {radius}; must be at least 0"):
        audit([0.5, radius], 0.001, 0.5, 100)


@pytest.mark.parametrize("n", [1, 7, 300, 5000])
def test_tails_by_ratios_are_those_of_scipy(n: int):
    p = np.array([0.5, 0.6, 0.97, 0.999999, 1.0])
    last = np.array([n, n // 2, n, n, n], np.float64)
    counts = last[:, None] - np.arange(n // 2 + 1)
    used = counts >= 0
    tails = _tails(p, last, counts, n)
    assert tails[used] == pytest.approx(binom.sf(counts - 1, n, p[:, None])[used], rel=1e-10, abs=1e-300)


def test_a_cached_audit_equals_the_first():
    radii = read_tsv(CIFAR10 / "cifar10_resnet110_train0.25_certify0.25.tsv")[0]["radius"]
    _cache.clear()
    first = audit(radii, 0.001, 0.25, 100_000)
    assert audit(radii, 0.001, 0.25, 100_000) == first
    assert audit(radii[:50], 0.001, 0.25, 100_000).impossible.keys() <= first.impossible.keys()
