"""`SparseDiscrete` agrees with an enumeration of all vectors in exact fractions."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest

from smoothing.guarantees import NeymanPearson, VoteBound, certified_pairs, exact_thresholds, thresholds
from smoothing.measures import Discrete, SparseDiscrete

PAIRS = [("0.01", "0.6"), ("0.3", "0.1"), ("0.25", "0.25"), ("0", "0.4"), ("0.2", "0")]


def chances(vector: tuple[int, ...], p_add: Fraction, p_delete: Fraction) -> dict[tuple[int, ...], Fraction]:
    """Probability of every sample of ``vector``."""
    out = {}
    for seen in product((0, 1), repeat=len(vector)):
        p = Fraction(1)
        for old, new in zip(vector, seen, strict=True):
            flip = p_add if old == 0 else p_delete
            p *= flip if old != new else 1 - flip
        out[seen] = p
    return out


def regions(p_add: Fraction, p_delete: Fraction, additions: int, deletions: int) -> list[tuple[Fraction, Fraction]]:
    """``mu`` and ``rho`` of all vectors, in decreasing order of likelihood ratio."""
    old = (0,) * additions + (1,) * deletions
    mu, rho = (chances(v, p_add, p_delete) for v in (old, tuple(1 - b for b in old)))
    pairs = [(mu[v], rho[v]) for v in mu if mu[v] or rho[v]]
    return sorted(pairs, key=lambda pair: pair[1] / pair[0] if pair[0] else Fraction(10**400), reverse=True)


def exact_gain(pairs: list[tuple[Fraction, Fraction]], f: Fraction) -> Fraction:
    gain = Fraction(0)
    for mu, rho in pairs:
        taken = min(mu, f)
        gain += rho if mu == 0 else rho * taken / mu
        f -= taken
    return gain


def exact_threshold(pairs: list[tuple[Fraction, Fraction]]) -> Fraction:
    mass, gain = Fraction(0), Fraction(0)
    for mu, rho in pairs:
        if gain + rho >= Fraction(1, 2):
            return mass + mu * max(Fraction(1, 2) - gain, Fraction(0)) / rho
        mass, gain = mass + mu, gain + rho
    raise AssertionError("a law sums to one")


def mixes(most: int) -> Iterator[tuple[int, int]]:
    return ((a, size - a) for size in range(most + 1) for a in range(size + 1))


def log(p: Fraction) -> mpmath.mpf:
    return mpmath.log(mpmath.mpf(p.numerator) / p.denominator) if p else -mpmath.inf


@pytest.mark.parametrize(("p_add", "p_delete"), PAIRS)
def test_laws_are_those_of_all_vectors(p_add: str, p_delete: str) -> None:
    measure = SparseDiscrete(p_add, p_delete)
    f = np.concatenate([np.logspace(-12, -2, 6), np.linspace(0.05, 1, 14)])
    with mpmath.workdps(50):
        for additions, deletions in mixes(6):
            pairs = regions(Fraction(p_add), Fraction(p_delete), additions, deletions)
            law = measure.pair_loss(additions, deletions)
            truth = exact_threshold(pairs)
            assert law.exact_threshold() == truth
            assert law.log_threshold() <= log(truth)
            assert not truth or log(truth) - law.log_threshold() <= 1e-12 * (1 + abs(log(truth)))
            for one, log_gain in zip(f, law.log_gain(np.log(f)), strict=True):
                gain = exact_gain(pairs, min(Fraction(str(mpmath.nstr(mpmath.exp(np.log(one)), 40))), Fraction(1)))
                assert float(gain) * (1 - 1e-14) <= np.exp(log_gain) <= float(gain) * (1 + 1e-12) + 1e-25
            divergence = sum(rho * (log(rho) - log(mu)) for mu, rho in pairs if rho)
            assert divergence <= law.kl() * (1 + 1e-15)
            assert law.kl() == pytest.approx(float(divergence), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("p_add", "p_delete"), PAIRS[:3])
def test_there_are_as_many_regions_as_changes_and_one(p_add: str, p_delete: str) -> None:
    for additions, deletions in mixes(5):
        pairs = regions(Fraction(p_add), Fraction(p_delete), additions, deletions)
        likelihoods = {rho / mu for mu, rho in pairs}
        assert len(likelihoods) == additions + deletions + 1


@pytest.mark.parametrize(("p_add", "p_delete"), PAIRS[:3])
def test_certificates_hold_for_random_functions(p_add: str, p_delete: str) -> None:
    """For random functions of five bits, no vector within a certified radius has another majority."""
    measure, bits = SparseDiscrete(p_add, p_delete), 5
    vectors = list(product((0, 1), repeat=bits))
    votes = {v: chances(v, Fraction(p_add), Fraction(p_delete)) for v in vectors}
    rng = np.random.default_rng(0)
    certified = 0
    for share in (0.02, 0.05, 0.1, 0.3, 0.5) * 4:
        rejected = [v for v in vectors if rng.random() < share]
        lost = {v: sum((votes[v][w] for w in rejected), Fraction(0)) for v in vectors}
        for z in vectors:
            if lost[z] >= Fraction(1, 2):
                continue
            bound = VoteBound.one_sided(np.array([np.nextafter(np.log(float(lost[z]) or 1e-300), 0)]))
            radius = NeymanPearson().radius(measure, bound, (bits,))[0]
            table = certified_pairs(measure, bound, bits, bits)[0]
            for other in vectors:
                additions = sum(new > old for old, new in zip(z, other, strict=True))
                deletions = sum(new < old for old, new in zip(z, other, strict=True))
                if additions + deletions <= radius or table[additions, deletions]:
                    assert lost[other] < Fraction(1, 2)
            assert all(table[a, d] for a, d in mixes(int(radius)))
            certified += int(radius > 0) + int(table.sum() > 1)
    assert certified > 20


def test_alike_probabilities_are_label_flips() -> None:
    assert exact_thresholds(SparseDiscrete("0.2", "0.2"), 12) == exact_thresholds(Discrete("0.2", 2), 12)


def test_pairs_fall_with_either_count() -> None:
    measure = SparseDiscrete("0.01", "0.6")
    bound = VoteBound(np.log([1e-4, 0.01, 0.3, 0.55]), np.log([1e-4, 0.01, 0.2, 0.1]))
    table = certified_pairs(measure, bound, 6, 30)
    assert table.shape == (4, 7, 31)
    assert (table[:, 1:] <= table[:, :-1]).all()
    assert (table[:, :, 1:] <= table[:, :, :-1]).all()
    assert (table[1:] <= table[:-1]).all()
    # Additions are the rarer noise, so they cost more: the paper's reason for two probabilities.
    assert table[0, 0].sum() > table[0, :, 0].sum() > 1


def test_float_thresholds_agree_with_exact_ones_far_out() -> None:
    with mpmath.workdps(50):
        for measure in (SparseDiscrete("0.01", "0.6"), SparseDiscrete("1e-6", "0.3")):
            for log_f, f in zip(thresholds(measure, 16), exact_thresholds(measure, 16), strict=True):
                assert log_f <= log(f)
                assert log(f) - log_f <= 1e-12 * abs(log(f))
