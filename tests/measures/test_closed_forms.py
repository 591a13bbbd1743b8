"""Closed-form radii agree with 50-digit arithmetic and with the radii computed from the laws."""

from collections.abc import Callable, Sequence

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import (
    AnisotropicGaussian,
    Gaussian,
    GeneralisedGaussian,
    Laplace,
    SmoothingMeasure,
    Splitting,
    Uniform,
    UniformLinf,
)
from smoothing.numerics.rounding import EPSILON, Float
from tests import exact_noise

SHAPE = (3, 4, 4)

RadiusOf = Callable[[mpf, mpf], mpf]
"""Exact radius from ``fA`` and ``fB``."""


def shift(noise: exact_noise.ExactNoise) -> RadiusOf:
    return lambda fail, rival: -(noise.quantile(fail) + noise.quantile(rival)) / 2


def linf(half_width: float) -> RadiusOf:
    return lambda fail, rival: 2 * half_width * (1 - ((1 + fail + rival) / 2) ** (mpf(1) / np.prod(SHAPE).item()))


def splitting(width: float) -> RadiusOf:
    return lambda fail, rival: width * (1 - fail - rival)


CASES = {
    "gaussian": (Gaussian(1.0), shift(exact_noise.Normal(1.0)), 8 * EPSILON),
    "gaussian-.3": (Gaussian(0.3), shift(exact_noise.Normal(0.3)), 8 * EPSILON),
    "anisotropic": (AnisotropicGaussian([0.3, 0.2, 1.0, 5.0]), shift(exact_noise.Normal(1.0)), 8 * EPSILON),
    "laplace": (Laplace(0.7), shift(exact_noise.Laplace(0.7)), 8 * EPSILON),
    "uniform": (Uniform(0.7), shift(exact_noise.Uniform(0.7)), 8 * EPSILON),
    "generalised-1": (GeneralisedGaussian(0.4, 1.0), shift(exact_noise.Generalised(0.4, 1.0)), 2e-13),
    "generalised-1.5": (GeneralisedGaussian(0.4, 1.5), shift(exact_noise.Generalised(0.4, 1.5)), 2e-13),
    "generalised-3": (GeneralisedGaussian(0.4, 3.0), shift(exact_noise.Generalised(0.4, 3.0)), 2e-13),
    "generalised-40": (GeneralisedGaussian(0.4, 40.0), shift(exact_noise.Generalised(0.4, 40.0)), 2e-13),
    "linf": (UniformLinf(1.5), linf(1.5), 2e-13),
    "splitting": (Splitting(0.75), splitting(0.75), 2e-13),
}

HALF = np.log(0.5)
NEAR_HALF = np.array([HALF - 1e-15, HALF - 1e-12, HALF - 1e-7, HALF - 1e-3])
LOG_F = np.concatenate([np.log(np.logspace(-300, -1, 24)), np.log(np.linspace(0.11, 0.49, 12)), NEAR_HALF])


@pytest.fixture(autouse=True)
def _fifty_digits() -> object:
    with mpmath.workdps(50):
        yield


def two_sided() -> tuple[Float, Float]:
    """Predictions with and without a majority, with large and small leads."""
    fail = np.log(np.array([0.1, 0.3, 0.499, 0.5, 0.55, 0.6, 0.6, 0.8, 0.95, 0.999, 0.3, 1e-30]))
    share = np.array([0.5, 0.9, 0.999, 0.99, 0.5, 0.3, 0.6, 0.2, 0.01, 1e-5, 1e-200, 1e-3])
    return fail, fail + np.log(share)


@pytest.mark.parametrize(("measure", "radius_of", "tolerance"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("sides", ["one-sided", "two-sided"])
def test_radius_is_just_below_the_exact_one(
    measure: SmoothingMeasure, radius_of: RadiusOf, tolerance: float, sides: str
) -> None:
    log_fail, log_rival = (LOG_F, LOG_F) if sides == "one-sided" else two_sided()
    radius = measure.closed_form_radius(log_fail, log_rival, SHAPE)
    assert radius is not None
    checked = 0
    for r, fail, rival in zip(radius, *_masses(log_fail, log_rival), strict=True):
        exact = radius_of(fail, rival)
        if exact <= 0:
            assert r == 0
            continue
        checked += 1
        # If the two quantiles have opposite signs, digits cancel. The error is always downwards.
        size = exact if fail < 0.5 else abs(radius_of(fail, fail)) + abs(radius_of(rival, rival))
        assert exact - tolerance * size <= mpf(float(r)) <= exact
    assert checked >= 8


@pytest.mark.parametrize(("measure", "radius_of", "tolerance"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("sides", ["one-sided", "two-sided"])
def test_generic_path_agrees(
    measure: SmoothingMeasure,
    radius_of: RadiusOf,
    tolerance: float,
    sides: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_fail, log_rival = (LOG_F, LOG_F) if sides == "one-sided" else two_sided()
    closed = measure.closed_form_radius(log_fail, log_rival, SHAPE)
    assert closed is not None
    monkeypatch.setattr(type(measure), "closed_form_radius", SmoothingMeasure.closed_form_radius)
    radius = NeymanPearson().radius(measure, VoteBound(log_fail, log_rival), SHAPE)
    for r, shortcut, fail, rival in zip(radius, closed, *_masses(log_fail, log_rival), strict=True):
        exact = radius_of(fail, rival)
        assert mpf(float(r)) <= max(exact, 0)
        # Probabilities are added, so leads below about 1e-12 cannot be resolved.
        if rival > 1e-6 * fail:
            np.testing.assert_allclose(r, shortcut, rtol=1e-9, atol=2e-12)


def test_more_votes_never_certify_less() -> None:
    log_f = np.sort(np.concatenate([LOG_F, LOG_F + 1e-13, np.linspace(-3, -0.7, 500), np.linspace(-0.3, 0, 20)]))
    for measure, _, _ in CASES.values():
        radius = measure.closed_form_radius(log_f, log_f, SHAPE)
        assert radius is not None
        assert (np.diff(radius) <= 1e-12 * radius[:-1]).all()


def test_certainty_has_a_finite_radius_and_none_has_none() -> None:
    for measure, _, _ in CASES.values():
        radius = measure.closed_form_radius(np.array([-np.inf, 0.0]), np.array([-np.inf, 0.0]), SHAPE)
        assert radius is not None
        assert np.isfinite(radius).all()
        assert radius[0] > 0
        assert radius[1] == 0


def _masses(*logs: Float) -> Sequence[list[mpf]]:
    return [[mpmath.exp(mpf(float(log))) for log in column] for column in logs]
