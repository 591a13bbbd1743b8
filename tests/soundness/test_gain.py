"""The Neyman-Pearson function of label flips against exact fractions, far into the tails."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from smoothing.guarantees import KL, NeymanPearson, VoteBound
from smoothing.measures import LabelFlip


def exact_gain(q: Fraction, num_classes: int, radius: int, f: Fraction) -> Fraction:
    """``max { rho(A) : mu(A) <= f }``, by convolving ``radius`` changed labels and spending ``f`` from the top."""
    change = q / (num_classes - 1)
    whole = change.denominator
    up, down, same = (int(p * whole) for p in (1 - q, change, q - change))
    law = np.zeros(2 * radius + 1, dtype=object)  # of labels turned less labels that stayed, under rho
    law[radius] = 1
    for _ in range(radius):
        law = up * np.roll(law, 1) + down * np.roll(law, -1) + same * law
    gain, left = Fraction(0), f
    for position in range(radius, -radius - 1, -1):
        likelihood = Fraction(up, down) ** position
        taken = min(Fraction(int(law[position + radius]), whole**radius), left * likelihood)
        gain += taken
        left -= taken / likelihood
    return gain


def log(p: Fraction) -> mpmath.mpf:
    return mpmath.log(mpmath.mpf(p.numerator) / p.denominator)


LABELS = 150
CASES = [
    ("1e-12", 2, 3),
    ("0.001", 2, 10),
    ("0.2", 2, 1),
    ("0.2", 2, 40),
    ("0.45", 2, 60),
    ("0.3", 3, 20),
    ("0.8", 10, 25),
]


@pytest.mark.parametrize(("q", "num_classes", "radius"), CASES)
def test_gain_is_never_below_the_exact_one(q: str, num_classes: int, radius: int) -> None:
    law = LabelFlip(q, num_classes).privacy_loss(radius, (radius,))
    log_f = -np.concatenate([[0.0], np.geomspace(1e-9, 400, 40)])
    with mpmath.workdps(50):
        for log_one, log_gain in zip(log_f, law.log_gain(log_f), strict=True):
            f = Fraction(str(mpmath.nstr(mpmath.exp(mpmath.mpf(float(log_one))), 40)))
            truth = log(exact_gain(Fraction(q), num_classes, radius, min(f, Fraction(1))))
            assert log_gain >= truth - 1e-35
            assert mpmath.exp(log_gain) <= mpmath.exp(truth) * (1 + 1e-12) + 1e-25


@pytest.mark.parametrize(("q", "num_classes", "radius"), CASES)
def test_the_tight_radius_is_exact_for_one_and_two_sides(q: str, num_classes: int, radius: int) -> None:
    """Certified at r and not at r + 1, by fractions, at bounds close to where the radius changes."""
    measure = LabelFlip(q, num_classes)
    near = measure.privacy_loss(radius, (radius,)).log_threshold()
    for shift, less in ((-0.3, 0.0), (-1e-9, 0.0), (1e-9, 0.0), (-0.01, 2.0), (0.2, 2.0)):
        fail, rival = near + shift, near + shift - less
        if fail >= 0:
            continue
        certified = int(NeymanPearson().radius(measure, VoteBound(np.array([fail]), np.array([rival])), (LABELS,))[0])
        f_a, f_b = (Fraction(str(mpmath.nstr(mpmath.exp(mpmath.mpf(v)), 40))) for v in (fail, rival))
        for r, survives in ((certified, True), (certified + 1, False)):
            taken = exact_gain(Fraction(q), num_classes, r, f_a) + exact_gain(Fraction(q), num_classes, r, f_b)
            assert r in (0, LABELS + 1) or (taken < 1) == survives


@pytest.mark.parametrize(("q", "num_classes", "radius"), CASES)
def test_kl_is_never_below_its_formula(q: str, num_classes: int, radius: int) -> None:
    """Rosenfeld et al. (2020), B.3."""
    measure = LabelFlip(q, num_classes)
    with mpmath.workdps(50):
        noise, k = mpmath.mpf(q), num_classes
        truth = radius * (1 - k * noise / (k - 1)) * mpmath.log((1 - noise) * (k - 1) / noise)
        assert truth <= measure.privacy_loss(radius, (radius,)).kl() <= truth * (1 + 1e-14)
        for log_fail in (-1.0, -20.0, -500.0):
            f = mpmath.exp(log_fail)
            room = -(mpmath.log(4) + log_fail + mpmath.log1p(-f)) / 2
            certified = KL().radius(measure, VoteBound.one_sided(np.array([log_fail])), (10**6,))[0]
            expected = max(0, int(mpmath.ceil(room / (truth / radius))) - 1)
            assert certified == min(expected, 10**6)
