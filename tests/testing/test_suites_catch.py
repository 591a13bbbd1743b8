"""A suite is worth what it refuses: wrong plug-ins fail the test that is meant for them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import Certifier, ExactVote
from smoothing.guarantees import Guarantee, NeymanPearson, VoteBound
from smoothing.measures import GaussianMixture, LabelFlip
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss
from smoothing.testing import (
    CertifierConformance,
    GuaranteeConformance,
    LinearVotesConformance,
    MeasureConformance,
    random_ballots,
)
from smoothing.testing.neighbours import changed_labels
from smoothing.votes import Ballots, LinearVotes

Z = torch.tensor([0, 1, 1, 0])


class HalfTheFlips(LabelFlip):
    """Its law covers half of the flips."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        return super().privacy_loss(radius // 2, shape)


class GlobalNoise(LabelFlip):
    """Draws from the global generator."""

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return torch.where(torch.rand(z.shape) < self.q, 1 - z, z)


class OtherNoise(LabelFlip):
    """Flips more often than its channel says."""

    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return torch.where(torch.rand(z.shape, generator=generator) < self.q + 0.05, 1 - z, z)


class SharedScale(GaussianMixture):
    """Draws one scale for all objects."""

    def draw(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return super().draw(z[None], generator)[0]


def test_draws_that_share_a_scale_are_refused() -> None:
    with pytest.raises(AssertionError):
        MeasureConformance().test_many_samples_are_independent(SharedScale([0.1, 1.0]), torch.zeros(3))


def test_a_law_too_small_is_refuted() -> None:
    suite, measure = MeasureConformance(), HalfTheFlips("0.2", 2)
    with pytest.raises(AssertionError, match="becomes"):
        suite.test_no_direction_exceeds_the_law(measure, Z, list(changed_labels(Z, 2)))


def test_global_randomness_is_refused() -> None:
    with pytest.raises(AssertionError):
        MeasureConformance().test_samples_are_a_function_of_the_generator(GlobalNoise("0.2", 2), Z)


def test_samples_that_leave_the_channel_are_refused() -> None:
    with pytest.raises(AssertionError):
        MeasureConformance().test_channel_is_what_samples_follow(OtherNoise("0.2", 2), Z)


class Generous(Guarantee):
    """One flip more than the tight guarantee allows."""

    def radius(self, measure: LabelFlip, bound: VoteBound, shape: Sequence[int]) -> Float:
        tight = NeymanPearson().radius(measure, bound, shape)
        return np.where(bound.log_fail < np.log(0.5), np.minimum(tight + 1, shape[0]), 0)


def test_a_generous_guarantee_is_refuted() -> None:
    with pytest.raises(AssertionError, match="refuted"):
        GuaranteeConformance().test_radius_is_sound(Generous(), [LabelFlip("0.2", 2)], 6)


class ClassMeans(LinearVotes):
    """Class means: their denominators count labels."""

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self._share = 1 / torch.bincount(labels).double()[labels]
        self._features = features

    def weights(self, features: Tensor) -> Tensor:
        return (-torch.cdist(features, self._features)).exp() * self._share


class BatchNormalised(ClassMeans):
    """An input's weights depend on its neighbours in the batch."""

    def weights(self, features: Tensor) -> Tensor:
        return super().weights(features - features.mean(0))


@pytest.fixture
def training_set() -> tuple[Tensor, Tensor, int]:
    return torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 0, 0, 0, 1, 0]), 2


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 2, generator=torch.Generator().manual_seed(1))


def test_weights_that_count_labels_are_refused(training_set: tuple[Tensor, Tensor, int], x: Tensor) -> None:
    votes = ClassMeans()
    votes.fit(*training_set)
    with pytest.raises(AssertionError):
        LinearVotesConformance().test_labels_change_no_bit_of_the_weights(votes, training_set, x, None)


def test_weights_that_depend_on_the_batch_are_refused(training_set: tuple[Tensor, Tensor, int], x: Tensor) -> None:
    votes = BatchNormalised()
    votes.fit(*training_set)
    with pytest.raises(AssertionError):
        LinearVotesConformance().test_scores_do_not_depend_on_the_batch(votes, x)


class OneMore(Certifier):
    """One flip more than is true."""

    def certify(self, ballots: Ballots) -> Certificates:
        exact = ExactVote().certify(ballots)
        return replace(exact, radius=exact.radius + 1)


def test_a_radius_raised_by_one_is_refuted() -> None:
    ballots = random_ballots(LabelFlip("0.2", 2), 2, 10, 8, 0)
    with pytest.raises(AssertionError, match="the true radius is"):
        CertifierConformance().test_radius_is_never_above_the_truth([(ballots, OneMore().certify(ballots))])
