"""Sums of finite and normal losses agree with mpmath and with the single losses."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from smoothing.privacy_loss import (
    FiniteAndNormalLoss,
    LaplaceLaw,
    NormalLaw,
    OverlapLoss,
    PrivacyLoss,
    RepeatedLoss,
    ShiftLoss,
    total_loss,
)

Q = Fraction(1, 10)
LOG_F = np.log([1e-20, 1e-8, 1e-3, 0.1, 0.3, 0.5, 0.9])


def flips(number: int) -> RepeatedLoss:
    return RepeatedLoss((Q, 1 - Q), (1 - Q, Q), number)


def exact_gain(number: int, shift: float, log_f: float) -> mpmath.mpf:
    """Enumerate the finite loss, and find the slope of the mixture by bisection."""
    q, m, unit = mpmath.mpf(1) / 10, mpmath.mpf(shift), mpmath.log(9)
    atoms = [
        ((2 * k - number) * unit, mpmath.binomial(number, k) * (1 - q) ** k * q ** (number - k))
        for k in range(number + 1)
    ]
    low, high = mpmath.mpf(-300), mpmath.mpf(300)
    for _ in range(160):
        middle = (low + high) / 2
        mass = sum(p * mpmath.exp(-a) * mpmath.ncdf(-m / 2 - (middle - a) / m) for a, p in atoms)
        low, high = (middle, high) if mass > mpmath.exp(mpmath.mpf(log_f)) else (low, middle)
    return sum(p * mpmath.ncdf(m / 2 - (low - a) / m) for a, p in atoms)


@pytest.mark.parametrize("number", [1, 3, 20])
@pytest.mark.parametrize("shift", [0.01, 0.3, 1.5, 6.0])
def test_gain_is_that_of_mpmath_rounded_up(number: int, shift: float) -> None:
    gain = total_loss(flips(number), ShiftLoss(NormalLaw(1.0), shift)).log_gain(LOG_F)
    with mpmath.workdps(40):
        for log_f, found in zip(LOG_F.tolist(), gain.tolist(), strict=True):
            excess = mpmath.mpf(found) - mpmath.log(exact_gain(number, shift, log_f))
            assert 0 <= excess <= 1e-12


@pytest.mark.parametrize("slope", [-8.0, -1.0, 0.0, 3.0])
def test_a_wrong_slope_makes_the_gain_larger(slope: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the evaluation needs care, not the search."""
    loss = total_loss(flips(3), ShiftLoss(NormalLaw(1.0), 0.7))
    best = loss.log_gain(LOG_F)
    monkeypatch.setattr(FiniteAndNormalLoss, "_slope", lambda self, log_f: np.full_like(log_f, slope))
    assert (loss.log_gain(LOG_F) >= best - 1e-13).all()


@pytest.mark.parametrize("other", [flips(0), OverlapLoss(0.0), ShiftLoss(NormalLaw(3.0), 0.0)])
@pytest.mark.parametrize("single", [flips(4), OverlapLoss(0.2), ShiftLoss(NormalLaw(0.7), 1.3)])
def test_beside_nothing_a_loss_keeps_all_bits(single: PrivacyLoss, other: PrivacyLoss) -> None:
    for both in (total_loss(single, other), total_loss(other, single)):
        np.testing.assert_array_equal(both.log_gain(LOG_F), single.log_gain(LOG_F))
        assert both.kl() == single.kl()


def test_normal_losses_add_in_squares() -> None:
    both = total_loss(ShiftLoss(NormalLaw(2.0), 3.0), ShiftLoss(NormalLaw(0.5), 1.0))
    truth = ShiftLoss(NormalLaw(1.0), 2.5).log_gain(LOG_F)
    assert (both.log_gain(LOG_F) >= truth).all()
    np.testing.assert_allclose(both.log_gain(LOG_F), truth, rtol=1e-13)


def test_outcomes_that_reveal_the_change_are_counted() -> None:
    """With nothing in common the normal part cannot help, and a part of the mass is lost in any case."""
    loss = total_loss(OverlapLoss(0.2), ShiftLoss(NormalLaw(1.0), 0.5))
    inside = ShiftLoss(NormalLaw(1.0), 0.5).log_gain(np.log(np.exp(LOG_F) / 0.8).clip(max=0))
    np.testing.assert_allclose(np.exp(loss.log_gain(LOG_F)), 0.2 + 0.8 * np.exp(inside), rtol=1e-12)


def test_sums_of_three_kinds_and_their_divergence() -> None:
    parts = flips(2), OverlapLoss(0.01), ShiftLoss(NormalLaw(1.0), 0.3), ShiftLoss(NormalLaw(1.0), 0.4)
    both = total_loss(*parts)
    assert (both.log_gain(LOG_F) >= total_loss(*parts[::2]).log_gain(LOG_F)).all()
    divergence = total_loss(flips(2), ShiftLoss(NormalLaw(1.0), 0.5)).kl()
    assert divergence == pytest.approx(flips(2).kl() + 0.125, rel=1e-14)
    assert divergence >= flips(2).kl() + 0.125


def test_other_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="ShiftLoss cannot be added"):
        total_loss(flips(1), ShiftLoss(LaplaceLaw(1.0), 0.5))
    with pytest.raises(ValueError, match="OverlapLoss cannot be added"):
        total_loss(flips(1), OverlapLoss(0.1, 1.5))
