"""Bounds at a shared tilt against the plain sums, and certificates with and without them."""

import mpmath
import numpy as np
import pytest
import torch

from smoothing.certifiers import BerryEsseen, Certifier, Chernoff
from smoothing.certifiers.analytic import analytic_certifier
from smoothing.certifiers.analytic.pairwise import pairwise_bounds
from smoothing.certifiers.analytic.shared_tilt import SharedTilt
from smoothing.measures import LabelFlip
from smoothing.testing import random_ballots
from smoothing.votes import Ballots, Ridge
from smoothing.votes.labels.linear import SCORE_BITS
from tests.certifiers.test_many_classes import lopsided


def channel_of(q: str, num_classes: int) -> np.ndarray:
    channel = LabelFlip(q, num_classes).channel
    assert channel is not None
    return channel.astype(float)


def exact_k(
    w: np.ndarray, labels: np.ndarray, offset: float, channel: np.ndarray, i: int, k: int, t: float
) -> mpmath.mpf:
    total = -mpmath.mpf(t) * mpmath.mpf(offset)
    for weight, label in zip(w.tolist(), labels.tolist(), strict=True):
        up, down = mpmath.mpf(channel[label, i]), mpmath.mpf(channel[label, k])
        same = mpmath.fsum(mpmath.mpf(p) for c, p in enumerate(channel[label].tolist()) if c not in (i, k))
        x = mpmath.mpf(t) * mpmath.mpf(weight)
        total += mpmath.log(up * mpmath.exp(-x) + down * mpmath.exp(x) + same)
    return total


@pytest.mark.parametrize("q", ["1e-12", "0.05", "0.3", "0.6"])
@pytest.mark.parametrize("num_classes", [3, 4, 7])
@pytest.mark.parametrize("size", [1e-3, 1.0, 100.0])
def test_excess_is_the_difference_of_k_and_never_below_it(q: str, num_classes: int, size: float) -> None:
    rng = np.random.default_rng(num_classes)
    n, winner, channel = 40, 1, channel_of(q, num_classes)
    labels = np.sort(np.arange(n) % num_classes)
    w = np.round(rng.standard_normal((2, n)) * 2.0 ** (SCORE_BITS - 8) / n)
    offsets = np.round(rng.standard_normal((2, num_classes)) * 2.0**30)
    starts = [0, *np.bincount(labels, minlength=num_classes).cumsum().tolist()]
    tilt = torch.tensor(size / np.abs(w).max(1))
    shared = SharedTilt.of(channel, winner)
    assert shared is not None
    leader = torch.tensor([0, num_classes - 2])
    arguments = (torch.from_numpy(w), starts, torch.from_numpy(offsets), tilt, leader)
    excess = shared.excess(*arguments)
    others = [c for c in range(num_classes) if c != winner]
    with mpmath.workdps(40):
        for row in range(2):
            lead = [offsets[row, winner] - offsets[row, k] for k in others]
            t = float(tilt[row])
            k_of = [exact_k(w[row], labels, b, channel, winner, k, t) for k, b in zip(others, lead, strict=True)]
            for column, value in enumerate(k_of):
                truth = value - k_of[int(leader[row])]
                assert truth <= float(excess[row, column]) <= truth + 1e-6 + 1e-9 * t * 2.0**SCORE_BITS


@pytest.mark.parametrize("tilt", [0.0, 1e300])
def test_tilts_without_a_bound_spare_nothing(tilt: float) -> None:
    shared = SharedTilt.of(channel_of("0.3", 3), 0)
    assert shared is not None
    w = torch.tensor([[1.0, 2.0, 3.0]]).double()
    excess = shared.excess(
        w, [0, 1, 2, 3], torch.zeros(1, 3).double(), torch.tensor([tilt]).double(), torch.tensor([0])
    )
    assert torch.isinf(excess).all()


def test_channels_that_treat_rivals_differently_share_nothing() -> None:
    assert SharedTilt.of(lopsided(5, 0).astype(float), 0) is None


@pytest.mark.parametrize("num_classes", [3, 5, 12])
@pytest.mark.parametrize("certifier", [Chernoff(), BerryEsseen(), Chernoff(classifier="majority")], ids=repr)
@pytest.mark.parametrize("n", [60, 3000])
def test_certificates_are_the_same_to_the_bit(
    num_classes: int, certifier: Certifier, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(n)
    labels = torch.arange(n + 40) % num_classes
    centres = torch.randn(num_classes, 8, generator=generator)
    x = torch.randn(n + 40, 8, generator=generator) + centres[labels]
    votes = Ridge()
    votes.fit(x[:n], labels[:n], num_classes)
    measure, calls = LabelFlip("0.2", num_classes), []

    def certified(spare: bool) -> object:
        def bounds(*arguments: object) -> object:
            calls.append(arguments[-1])
            return pairwise_bounds(*arguments[:-1], arguments[-1] if spare else np.inf)  # type: ignore[arg-type]

        monkeypatch.setattr(analytic_certifier, "pairwise_bounds", bounds)
        return certifier.certify(Ballots(measure, votes, x[n:], torch.arange(40), 0))

    pruned, full = certified(True), certified(False)
    for name in ("prediction", "radius", "log_fail", "log_rival"):
        assert np.array_equal(getattr(pruned, name), getattr(full, name)), name
    assert np.isfinite(calls).all()


def test_spared_rivals_are_not_evaluated() -> None:
    ballots = random_ballots(LabelFlip("0.1", 8), 8, 200, 6, 3)
    scores = ballots.scores
    winner = scores.class_sums.add(scores.offsets).argmax(1).numpy()
    evaluated = []

    def refine(margin: object, tilt: torch.Tensor, log_mgf: np.ndarray) -> np.ndarray:
        evaluated.append(len(log_mgf))
        return log_mgf

    full = pairwise_bounds(scores, channel_of("0.1", 8), winner, refine)
    every = sum(evaluated)
    evaluated.clear()
    pruned = pairwise_bounds(scores, channel_of("0.1", 8), winner, refine, spare=0)
    assert every == 6 * 7
    assert sum(evaluated) < every / 2
    assert np.array_equal(pruned.max(1), full.max(1))
    assert (pruned <= full.max(1, keepdims=True)).all()
