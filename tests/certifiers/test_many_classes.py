"""Many classes and asymmetric channels: bounds and radii against direct computation."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from smoothing.certifiers import ExactVote
from smoothing.certifiers.analytic.margin import LabelKinds, Margin
from smoothing.certifiers.analytic.pairwise import pairwise_bounds
from smoothing.certifiers.exact.mean_vote import mean_prediction, rivals
from smoothing.distance import Distance
from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss
from smoothing.testing import random_ballots, true_radii
from smoothing.testing.brute_force import all_labels, noise
from smoothing.votes import Ballots


class AnyChannel(SmoothingMeasure):
    """A measure with a given channel and an uninformative privacy loss."""

    distance = Distance("l0", "flips", integer=True, strict=False)

    def __init__(self, channel: NDArray) -> None:
        self._channel = channel

    @property
    def channel(self) -> NDArray:
        return self._channel

    def sample(self, z: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        raise NotImplementedError

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return OverlapLoss(1.0)


def lopsided(num_classes: int, seed: int) -> NDArray[np.object_]:
    """Return a channel that keeps each label with probability 8/32 to 15/32 and changes it at random otherwise."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in range(num_classes):
        row = np.zeros(num_classes, int)
        row[label] = rng.integers(8, 16)
        np.add.at(row, rng.integers(num_classes, size=32 - row[label]), 1)
        rows.append([Fraction(int(chance), 32) for chance in row])
    return np.array(rows, dtype=object)


def unrefined(margin: Margin, tilt: torch.Tensor, log_mgf: Float) -> Float:
    return log_mgf


@pytest.mark.parametrize(("num_classes", "n"), [(3, 8), (4, 7)])
def test_no_bound_is_below_the_chance(num_classes: int, n: int) -> None:
    for seed in range(3):
        channel = lopsided(num_classes, seed)
        ballots = random_ballots(LabelFlip("0.1", num_classes), num_classes, n, 8, seed)
        scores = ballots.scores
        winner = mean_prediction(scores, channel)
        bounds = pairwise_bounds(scores, channel.astype(float), winner, unrefined)
        vectors = all_labels(n, num_classes)
        chance = noise(channel, scores.labels.tolist())
        for row, others in enumerate(rivals(winner, num_classes)):
            w, b = scores.weights[row].numpy(), scores.offsets[row].numpy()
            sums = np.stack([(w * (vectors == c)).sum(1) + b[c] for c in range(num_classes)], 1)
            for column, rival in enumerate(others):
                caught = chance[sums[:, winner[row]] <= sums[:, rival]].sum()
                assert np.exp(bounds[row, column]) >= caught * (1 - 1e-12)


def test_exact_vote_is_the_truth_under_any_channel() -> None:
    for seed in range(4):
        linear = random_ballots(LabelFlip("0.1", 3), 3, 8, 12, seed)
        ballots = Ballots(AnyChannel(lopsided(3, seed)), linear.votes, linear.x, linear.index, 0)
        assert ExactVote().supports(ballots.measure, ballots.votes) is None
        certificates = ExactVote().certify(ballots)
        assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist()


@pytest.mark.parametrize("channel", [LabelFlip("0.3", 60).channel, lopsided(60, 0)], ids=["uniform", "lopsided"])
def test_bounds_of_sixty_classes_are_sums_over_all_points(channel: NDArray) -> None:
    scores = random_ballots(LabelFlip("0.3", 60), 60, 400, 3, 0).scores
    winner = mean_prediction(scores, channel)
    tilts: dict[float, float] = {}

    def keep(margin: Margin, tilt: torch.Tensor, log_mgf: Float) -> Float:
        tilts.update(zip(log_mgf.tolist(), tilt.tolist(), strict=True))
        return log_mgf

    bounds = pairwise_bounds(scores, channel.astype(float), winner, keep)
    chances = channel.astype(float)[scores.labels]
    checked = 0
    for row, others in enumerate(rivals(winner, 60)):
        w = scores.weights[row].numpy()
        for column, rival in enumerate(others):
            tilt = tilts.get(bounds[row, column], 0.0)
            if tilt == 0:
                continue
            up, down = chances[:, winner[row]], chances[:, rival]
            terms = up * np.exp(-tilt * w) + down * np.exp(tilt * w) + 1 - up - down
            offset = scores.offsets[row, winner[row]] - scores.offsets[row, rival]
            plain = np.log(terms).sum() - tilt * float(offset)
            assert plain <= bounds[row, column] <= plain + 1e-6 * (1 + abs(plain))
            checked += 1
    assert checked > 50


def test_uniform_flips_know_three_kinds_of_labels() -> None:
    kinds = LabelKinds(LabelFlip("0.3", 300).channel.astype(float))(7, 299)
    assert sorted(len(kind.labels) for kind in kinds) == [1, 1, 298]
    assert all(abs(kind.up + kind.down + kind.same - 1) < 1e-12 for kind in kinds)
    assert [kind.same for kind in LabelKinds(LabelFlip("0.3", 2).channel.astype(float))(1, 0)] == [0, 0]


def test_a_channel_without_a_unit_is_refused_at_once() -> None:
    channel = np.random.default_rng(0).dirichlet(np.ones(100), 100)
    votes = random_ballots(LabelFlip("0.1", 100), 100, 100, 1, 0).votes
    assert "no small common unit" in str(ExactVote().supports(AnyChannel(channel), votes))
