"""Analytic tail bounds against the exact tail, and against their own formulas at 50 digits."""

from collections.abc import Callable
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from torch import Tensor

from smoothing.certifiers import AnalyticCertifier, BerryEsseen, Chernoff
from smoothing.certifiers.analytic.margin import Margin
from smoothing.measures import LabelFlip
from smoothing.numerics.rounding import Float
from smoothing.testing import ballots_of
from smoothing.testing.brute_force import noise
from smoothing.votes import Ballots


@pytest.fixture(autouse=True)
def fifty_digits() -> None:
    mp.dps = 50


def exact_tail(weights: list[int], labels: list[int], q: str, winner: int, rival: int, num_classes: int) -> Fraction:
    """Return ``Pr[s_winner <= s_rival]`` of whole weights, by convolution of whole numbers."""
    change = Fraction(q) / (num_classes - 1)
    whole = change.denominator
    reach = sum(abs(w) for w in weights)
    law = np.zeros(2 * reach + 1, dtype=object)
    law[reach] = 1
    for w, y in zip(weights, labels, strict=True):
        up = int((1 - Fraction(q) if y == winner else change) * whole)
        down = int((1 - Fraction(q) if y == rival else change) * whole)
        law = up * np.roll(law, w) + down * np.roll(law, -w) + (whole - up - down) * law
    return Fraction(int(law[: reach + 1].sum()), whole ** len(weights))


def log(p: Fraction) -> mpf:
    return mpmath.log(mpf(p.numerator) / p.denominator)


def term(w: mpf, t: mpf, up: mpf, down: mpf, same: mpf) -> tuple[mpf, mpf, mpf, mpf]:
    """Return log moment, tilted mean, variance and third absolute central moment of one term of the margin."""
    won, lost = up * mpmath.exp(-t * w), down * mpmath.exp(t * w)
    total = won + lost + same
    laws = [(w, won / total), (-w, lost / total), (mpf(0), same / total)]
    mean = mpmath.fsum(v * p for v, p in laws)
    variance = mpmath.fsum((v - mean) ** 2 * p for v, p in laws)
    third = mpmath.fsum(abs(v - mean) ** 3 * p for v, p in laws)
    return mpmath.log(total), mean, variance, third


def moments(margin: Margin, t: mpf, row: int) -> tuple[mpf, mpf, mpf, mpf]:
    """Return ``K(t)`` and mean, variance and third absolute central moments of the margin tilted by ``t``."""
    columns = [
        term(mpf(float(w)), t, *(mpf(float(p[row, 0])) for p in group[1:]))
        for group in margin.groups
        for w in group.w[row]
    ]
    log_mgf, mean, variance, third = (mpmath.fsum(column) for column in zip(*columns, strict=True))
    offset = mpf(float(margin.offset[row]))
    return log_mgf - t * offset, mean + offset, variance, third


def chernoff_formula(margin: Margin, t: mpf, row: int) -> mpf:
    """Return ``K(t)``: Rosenfeld et al. (2020), B.2."""
    return moments(margin, t, row)[0]


def berry_esseen_formula(margin: Margin, t: mpf, row: int) -> mpf:
    """Return the smaller of ``K(t)`` and the logarithm of THEORY.md 4.4."""
    log_mgf, m, variance, third = moments(margin, t, row)
    s = mpmath.sqrt(variance)
    if t == 0 or s == 0:
        return min(log_mgf, mpf(0))
    normal = mpmath.exp(t * m + t**2 * variance / 2) * mpmath.erfc((m / s + t * s) / mpmath.sqrt(2)) / 2
    return log_mgf + min(mpmath.log(normal + 2 * mpf("0.56") * third / s**3), mpf(0))


class Recorded(AnalyticCertifier):
    """Another certifier, with a record of its computations."""

    def __init__(self, other: AnalyticCertifier) -> None:
        super().__init__(other.guarantee)
        self.other = other
        self.kept: list[tuple[Margin, Tensor, Float]] = []

    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        bound = self.other.log_bound(margin, tilt, log_mgf)
        self.kept.append((margin, tilt, bound))
        return bound


def many_votes(q: str, num_classes: int, n: int, batch: int, seed: int) -> Ballots:
    """Return ballots with weights of all sizes and signs that mostly agree with the labels, some with offsets."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(num_classes), rng.integers(num_classes, size=n - num_classes)])
    weights = rng.normal(0.3, 1, (batch, n)) * np.where(labels == 0, 1, rng.choice([-1, 1], n))
    weights *= 10.0 ** rng.uniform(-3, 0, (batch, n))
    offsets = rng.normal(0, 1, (batch, num_classes)) * (np.arange(batch) % 2)[:, None]
    return ballots_of(LabelFlip(q, num_classes), weights.tolist(), labels.tolist(), offsets.tolist(), num_classes)


SIZE_OF_MNIST_17 = pytest.param("0.45", 2, 13_007, marks=pytest.mark.slow)
FORMULAS = [(Chernoff(), chernoff_formula), (BerryEsseen(), berry_esseen_formula)]


@pytest.mark.parametrize(("certifier", "formula"), FORMULAS, ids=["chernoff", "berry-esseen"])
@pytest.mark.parametrize(
    ("q", "num_classes", "n"),
    [
        ("1e-12", 2, 60),
        ("0.001", 2, 60),
        ("0.1", 2, 300),
        ("0.45", 2, 300),
        ("0.2", 3, 60),
        ("0.8", 10, 60),
        SIZE_OF_MNIST_17,
    ],
)
def test_computed_bounds_are_never_below_their_formulas(
    certifier: AnalyticCertifier, formula: Callable[[Margin, mpf, int], mpf], q: str, num_classes: int, n: int
) -> None:
    recorded = Recorded(certifier)
    recorded.certify(many_votes(q, num_classes, n, 4, 0))
    assert recorded.kept
    for margin, tilt, bound in recorded.kept:
        for row in range(len(tilt)):
            truth = formula(margin, mpf(float(tilt[row])), row)
            assert bound[row] >= truth
            assert bound[row] - truth <= 1e-5 * (1 + abs(truth))


@pytest.mark.parametrize("scale", [0.0, 0.01, 0.5, 1.0, 2.0, 10.0])
def test_any_tilt_gives_a_bound_never_below_its_formula(scale: float) -> None:
    recorded = Recorded(Chernoff())
    recorded.certify(many_votes("0.1", 2, 60, 4, 1))
    for margin, tilt, _ in recorded.kept:
        elsewhere = torch.minimum(tilt * scale, margin.largest_tilt())
        for row, bound in enumerate(margin.log_mgf(elsewhere)):
            truth = chernoff_formula(margin, mpf(float(elsewhere[row])), row)
            assert truth <= bound <= truth + 1e-5 * (1 + abs(truth))


def least_chernoff(margin: Margin, near: mpf, row: int) -> mpf:
    """Return the smallest ``K(t)``, at the ``t`` with tilted mean zero."""
    factor = mpmath.findroot(lambda u: moments(margin, u * near, row)[1] * near, (0.5, 2), solver="illinois", tol=1e-20)
    return chernoff_formula(margin, factor * near, row)


@pytest.mark.parametrize(("q", "n"), [("0.01", 41), ("0.2", 80), ("0.45", 120), ("0.3", 200)])
def test_chernoff_finds_nearly_the_best_tilt(q: str, n: int) -> None:
    recorded = Recorded(Chernoff())
    recorded.certify(many_votes(q, 2, n, 3, 2))
    for margin, tilt, bound in recorded.kept:
        for row in np.flatnonzero(tilt.numpy() > 0):
            least = least_chernoff(margin, mpf(float(tilt[row])), row)
            assert least <= bound[row] <= least + 2e-3 * abs(least) + 1e-6


@pytest.mark.parametrize("certifier", [Chernoff(), BerryEsseen()], ids=["chernoff", "berry-esseen"])
@pytest.mark.parametrize(("q", "num_classes"), [("1e-12", 2), ("0.02", 2), ("0.2", 2), ("0.45", 2), ("0.3", 3)])
@pytest.mark.parametrize("n", [5, 60, 200])
def test_bounds_are_never_below_the_exact_tail(certifier: AnalyticCertifier, q: str, num_classes: int, n: int) -> None:
    rng = np.random.default_rng([n, num_classes])
    labels = [
        *range(num_classes),
        *rng.choice(num_classes, n - num_classes, p=[0.7, *[0.3 / (num_classes - 1)] * (num_classes - 1)]),
    ]
    weights = rng.integers(-1, 4, (4, n)).tolist()
    ballots = ballots_of(LabelFlip(q, num_classes), weights, labels, None, num_classes)
    certificates = certifier.certify(ballots)
    for row, winner in enumerate(Chernoff().certify(ballots).prediction.tolist()):
        rivals = [c for c in range(num_classes) if c != winner]
        tails = [exact_tail(weights[row], labels, q, winner, rival, num_classes) for rival in rivals]
        truth = sum(tails) if certificates.classifier == "majority" else max(tails)
        assert certificates.log_fail[row] >= min(log(truth), 0)


def test_berry_esseen_is_tighter_than_chernoff_on_the_majority() -> None:
    ballots = many_votes("0.45", 2, 400, 6, 3)
    tighter = BerryEsseen().certify(ballots).log_fail
    chernoff = Chernoff(classifier="majority").certify(ballots).log_fail
    assert (tighter <= chernoff).all()
    assert (tighter < chernoff - 0.3).any()


def test_the_referee_convolves_as_enumeration_does() -> None:
    weights, labels = [3, -1, 2, 1, 0], [0, 1, 0, 1, 1]
    channel = LabelFlip("0.2", 2).channel
    signs = 1 - 2 * np.stack(np.unravel_index(np.arange(32), (2,) * 5), 1)
    tail = noise(channel, labels)[signs @ weights <= 0].sum()
    assert float(exact_tail(weights, labels, "0.2", 0, 1, 2)) == pytest.approx(tail, rel=1e-13)
