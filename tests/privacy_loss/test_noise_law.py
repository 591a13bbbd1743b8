"""Laws of real-valued noise agree with 50-digit arithmetic: claimed accuracies hold, and gains are bounded."""

from collections.abc import Callable, Iterator

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import (
    GeneralisedNormalLaw,
    LaplaceLaw,
    NoiseLaw,
    NormalLaw,
    NormalMixtureLoss,
    OverlapLoss,
    PrivacyLoss,
    ShiftLoss,
    UniformLaw,
)
from tests import exact_noise
from tests.exact_noise import ExactNoise

LAWS: dict[str, tuple[NoiseLaw, ExactNoise]] = {
    "normal": (NormalLaw(1.0), exact_noise.Normal(1.0)),
    "normal-.07": (NormalLaw(0.07), exact_noise.Normal(0.07)),
    "laplace": (LaplaceLaw(0.3), exact_noise.Laplace(0.3)),
    "uniform": (UniformLaw(0.3), exact_noise.Uniform(0.3)),
    **{
        f"generalised-{e:g}": (GeneralisedNormalLaw(0.3, e), exact_noise.Generalised(0.3, e))
        for e in (1.0, 1.3, 2.0, 4.0, 30.0, 100.0, 1e3)
    },
}
HALF = np.log(0.5)


@pytest.fixture(autouse=True)
def _fifty_digits() -> Iterator[None]:
    with mpmath.workdps(50):
        yield


def masses(count: int) -> Float:
    """Logarithms of probabilities from ``1e-300`` to 1, many of them near one half."""
    rng = np.random.default_rng(0)
    near_half = HALF + np.concatenate([-np.geomspace(1e-15, 0.3, count), np.geomspace(1e-15, 0.3, count)])
    return np.concatenate([-np.geomspace(1e-12, 690, 2 * count), -rng.uniform(0.1, 12, 2 * count), near_half])


@pytest.mark.parametrize(("law", "exact"), LAWS.values(), ids=LAWS)
def test_quantiles_are_as_accurate_as_is_claimed(law: NoiseLaw, exact: ExactNoise) -> None:
    log_p = masses(25)
    worst = 0.0
    for log_one, x in zip(log_p, law.quantile(log_p), strict=True):
        truth = exact.quantile(mpmath.exp(mpf(float(log_one))))
        worst = max(worst, abs(float((mpf(float(x)) - truth) / truth)))
    assert worst <= law.accuracy


@pytest.mark.parametrize(("law", "exact"), LAWS.values(), ids=LAWS)
def test_probabilities_are_as_accurate_as_is_claimed(law: NoiseLaw, exact: ExactNoise) -> None:
    """Probabilities at ``x`` minus and plus the claimed error enclose the exact probability."""
    quantiles = law.quantile(masses(15))
    x = np.concatenate([quantiles, quantiles * 0.9, np.geomspace(1e-12, 1, 20) * law.scale])
    for one in x:
        with mpmath.workdps(50):
            error = law.accuracy * (law.scale + abs(one))
            below, above = (law.log_cdf(np.array(one + sign * error)) for sign in (-1, 1))
            truth = exact.cdf(mpf(float(one)))
            assert mpmath.exp(mpf(float(below))) <= truth <= mpmath.exp(mpf(float(above)))


def never_below(law: PrivacyLoss, gain_of: Callable[[mpf], mpf], log_f: Float) -> None:
    """Gains are tight upper bounds."""
    for log_one, log_gain in zip(log_f, law.log_gain(log_f), strict=True):
        truth = gain_of(mpmath.exp(mpf(float(log_one))))
        gain = mpmath.exp(mpf(float(log_gain)))
        assert truth <= gain <= truth * (1 + mpf("1e-9")) + mpf("1e-290")


@pytest.mark.parametrize(("law", "exact"), LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("shift", [0.0, 1e-9, 0.02, 0.4, 7.0])
def test_gains_of_shifts_are_bounded(law: NoiseLaw, exact: ExactNoise, shift: float) -> None:
    never_below(ShiftLoss(law, shift), lambda f: exact.cdf(exact.quantile(f) + mpf(shift)), masses(3)[::2])


@pytest.mark.parametrize(("law", "exact"), LAWS.values(), ids=LAWS)
def test_divergences_of_shifts_are_bounded(law: NoiseLaw, exact: ExactNoise) -> None:
    for shift in (1e-6, 0.02, 0.4):
        kl = ShiftLoss(law, shift).kl()
        if isinstance(law, UniformLaw):
            assert kl == np.inf
            continue

        def loss(x: mpf, shift: float = shift) -> mpf:
            density = exact.density(abs(x - shift))
            return density * mpmath.log(density / exact.density(abs(x))) if density else mpf(0)

        with mpmath.workdps(30):
            far = -exact.quantile(mpf("1e-40"))
            truth = mpmath.quad(loss, [-far, 0, shift, shift + law.scale, shift + far])
        assert truth <= kl * (1 + mpf("1e-12"))


MIXTURES = [
    ([1.0], [0.7]),
    ([0.5, 0.5], [0.2, 3.0]),
    ([0.01, 0.99], [30.0, 0.5]),
    ([0.2, 0.3, 0.5], [1e-6, 1.0, 1.5]),
    ([0.7, 0.3], [0.0, 0.0]),
    ([0.999, 0.001], [0.01, 200.0]),
]


@pytest.mark.parametrize(("weights", "shifts"), MIXTURES)
def test_gains_of_mixtures_are_bounded(weights: list[float], shifts: list[float]) -> None:
    """Compared with the exact region ``L >= s`` of mass ``f``, for positive shifts."""

    def tail(s: mpf, sign: int) -> mpf:
        return sum(w * mpmath.ncdf(sign * mpf(m) / 2 - s / m) for w, m in zip(weights, shifts, strict=True))

    def gain(f: mpf) -> mpf:
        if not any(shifts) or f == 1:
            return f
        ends = [-m * (mpf(m) / 2 - exact_noise.Normal(1.0).quantile(1 - f)) for m in shifts]
        low, high = min(ends), max(ends)
        for _ in range(170):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, -1) > f else (low, middle)
        return tail(low, 1)

    never_below(NormalMixtureLoss(weights, shifts), gain, masses(3)[::2])


@pytest.mark.parametrize("ratio", [1.0, 1.0123])
@pytest.mark.parametrize("lost", [0.0, 1e-12, 0.0123, 0.3, 0.5, 1.0])
def test_gains_of_overlaps_are_bounded(lost: float, ratio: float) -> None:
    never_below(OverlapLoss(lost, ratio), lambda f: min(mpf(ratio) * f + mpf(lost), mpf(1)), masses(4))


def test_the_sum_in_a_gain_of_an_overlap_is_rounded_up() -> None:
    """Near 1 the logarithm is small, so that units of its last place do not cover the rounding of the sum."""
    rng = np.random.default_rng(0)
    for lost in rng.uniform(0.9, 0.999, 200).tolist():
        log_f = np.log((1 - lost) * rng.uniform(0.1, 0.9, 5))
        for one, gain in zip(log_f, OverlapLoss(lost).log_gain(log_f), strict=True):
            assert mpmath.exp(mpf(float(gain))) >= mpmath.exp(mpf(float(one))) + mpf(lost)


@pytest.mark.parametrize(("law", "exact"), LAWS.values(), ids=LAWS)
def test_no_votes_and_all_votes_are_answered(law: NoiseLaw, exact: ExactNoise) -> None:
    gain = ShiftLoss(law, 0.1).log_gain(np.array([-np.inf, -800.0, -600.0, 0.0, 5e-324]))
    assert np.isfinite(gain).all()
    assert (np.diff(gain) >= 0).all()
    assert (gain[3:] == 0).all()
