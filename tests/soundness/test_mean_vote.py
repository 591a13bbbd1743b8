"""The tight guarantee for vote probabilities is too large for the mean vote."""

from collections.abc import Sequence

import numpy as np
import torch

from smoothing.certifiers import Chernoff
from smoothing.distance import Distance
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss
from smoothing.testing import ballots_of, true_radii
from smoothing.votes import Ballots


class OneCoordinate(PrivacyLoss):
    """A measure with two laws of one binary coordinate. Two or more changes are unbounded."""

    def __init__(self, mu: Float, rho: Float, changes: float) -> None:
        self.mu, self.rho, self.changes = mu, rho, changes

    def log_gain(self, log_f: Float) -> Float:
        if self.changes != 1:
            return np.zeros_like(log_f) if self.changes else log_f
        first, second = np.argsort(-self.rho / self.mu)
        f = np.exp(log_f)
        spent = np.minimum(f, self.mu[first])
        gain = spent * self.rho[first] / self.mu[first] + (f - spent) * self.rho[second] / self.mu[second]
        return np.log(np.minimum(gain * (1 + 1e-12), 1))

    def kl(self) -> float:
        return self.changes * float(self.rho @ np.log(self.rho / self.mu))


class Lopsided(SmoothingMeasure):
    """A measure that nearly always keeps label 0 and seldom changes label 1, with correct laws for both changes."""

    distance = Distance("l0", "flips", integer=True, strict=False)
    channel = np.array([[0.9990234375, 0.0009765625], [0.75, 0.25]])

    def diameter(self, shape: Sequence[int]) -> float:
        return shape[0]

    def sample(self, z: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        one = torch.from_numpy(self.channel[:, 1])[z]
        return (torch.rand(z.shape, generator=generator, dtype=torch.float64) < one).to(z.dtype)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        zero, one = self.channel
        return [OneCoordinate(zero, one, radius), OneCoordinate(one, zero, radius)]


def tight_alone(ballots: Ballots, log_fail: Float) -> float:
    return float(NeymanPearson().radius(ballots.measure, VoteBound.one_sided(log_fail), ballots.shape)[0])


def test_mean_vote_of_a_lopsided_channel() -> None:
    ballots = ballots_of(Lopsided(), [[2.0, 0.0]], [0, 1], [[0.0, 1.001]])
    certificates = Chernoff().certify(ballots)
    assert certificates.log_fail is not None
    assert true_radii(ballots, certificates).tolist() == [0]
    assert tight_alone(ballots, certificates.log_fail) == 1
    assert certificates.radius.tolist() == [0]


def test_label_flips_need_the_divergence_too() -> None:
    """With many classes and large q, the tight threshold of one flip is above the limit of the divergence."""
    law = LabelFlip("0.633", 500).privacy_loss(1, (1,))
    assert law.log_threshold() > -law.kl()
