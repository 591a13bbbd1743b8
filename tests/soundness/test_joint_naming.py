"""Jointly named clusters against all namings of all label vectors."""

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from smoothing.certifiers import ExactVote, JointNaming
from smoothing.measures import LabelFlip, UnchangedLabels
from smoothing.testing import flips_stood, never_above
from smoothing.testing.brute_force import combine, noise, number_of
from smoothing.votes import Ballots, Clusters, JointClusters


def clustered(num_classes: int, n: int, seed: int) -> tuple[JointClusters, torch.Tensor, torch.Tensor]:
    """Return fitted clusters, training inputs, and inputs to predict."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(num_classes, (n,), generator=generator)
    y[torch.randperm(n, generator=generator)[:num_classes]] = torch.arange(num_classes)
    x = 3.0 * torch.eye(num_classes)[y] + torch.randn(n, num_classes, generator=generator)
    y = torch.where(torch.rand(n, generator=generator) < 0.2, torch.randint(num_classes, (n,), generator=generator), y)
    y[:num_classes] = torch.randperm(num_classes, generator=generator)
    votes = JointClusters(restarts=2, seed=seed)
    votes.fit(x, y, num_classes)
    return votes, x, torch.cat([3.0 * torch.eye(num_classes), torch.randn(2, num_classes, generator=generator)])


def names(votes: JointClusters, x: torch.Tensor) -> NDArray[np.int64]:
    """Return the predictions for every label vector by enumeration of all namings, ``(K**n, batch)``."""
    cluster_of = votes.cluster(x)
    n, num_classes = len(votes.labels), votes.num_classes
    best = np.zeros((num_classes**n, num_classes, num_classes), np.int64)
    for naming in permutations(range(num_classes)):
        agreed = combine(
            np.add, [(np.arange(num_classes) == naming[c]).astype(np.int64) for c in votes.members.tolist()]
        )
        for cluster, name in enumerate(naming):
            best[:, cluster, name] = np.maximum(best[:, cluster, name], agreed)
    return best.argmax(2)[:, cluster_of.numpy()]


SIZES = [(2, 11), (3, 8), (4, 7)]


def is_sound() -> None:
    reached = 0
    for (num_classes, n), seed in ((size, seed) for size in SIZES for seed in range(4)):
        votes, _, asked = clustered(num_classes, n, seed)
        ballots = Ballots(UnchangedLabels(num_classes), votes, asked, torch.arange(len(asked)), 0)
        certificates = JointNaming().certify(ballots)
        true = flips_stood(names(votes, asked), certificates, votes.labels.tolist(), num_classes)
        never_above(true, certificates)
        reached += int((true == certificates.radius).sum())
        if num_classes == 2:
            assert certificates.radius.tolist() == true.tolist()
    assert reached > 30


def test_no_radius_is_above_the_truth() -> None:
    is_sound()


def test_the_bound_is_not_the_truth_where_namings_tie() -> None:
    """If two namings with the same name agree equally, an attack must overtake both; the bound considers one."""
    votes = JointClusters()
    votes.num_classes, votes.members = 3, torch.tensor([0] + [1] * 4 + [2] * 4)
    votes.labels = torch.tensor([0] + [1, 1, 2, 2] * 2)
    votes.cluster = lambda x: torch.zeros(len(x), dtype=torch.long)  # type: ignore[method-assign]
    ballots = Ballots(UnchangedLabels(3), votes, torch.zeros(1, 1), torch.arange(1), 0)
    certificates = JointNaming().certify(ballots)
    assert certificates.radius.tolist() == [1]
    assert flips_stood(names(votes, ballots.x), certificates, votes.labels.tolist(), 3).tolist() == [2]


def test_a_cycle_of_names_is_not_its_reverse() -> None:
    votes = JointClusters()
    votes.num_classes, votes.members = 3, torch.tensor([0] * 3 + [1] * 3 + [2] * 3)
    votes.labels = torch.tensor([1] * 3 + [2] * 3 + [0] * 3)
    votes.cluster = lambda x: x[:, 0].long()  # type: ignore[method-assign]
    ballots = Ballots(UnchangedLabels(3), votes, torch.tensor([[0.0], [1.0], [2.0]]), torch.arange(3), 0)
    certificates = JointNaming().certify(ballots)
    assert certificates.prediction.tolist() == [1, 2, 0]
    true = flips_stood(names(votes, ballots.x), certificates, votes.labels.tolist(), 3)
    never_above(true, certificates)
    assert (certificates.deterministic, certificates.sound) == (True, True)


def test_two_clusters_are_a_linear_vote() -> None:
    for seed in range(5):
        votes, x, asked = clustered(2, 40, seed)
        linear = Clusters(2, "jointly", restarts=2, seed=seed)
        linear.fit(x, votes.labels, 2)
        answers = []
        for kind, certifier in ((votes, JointNaming()), (linear, ExactVote())):
            ballots = Ballots(UnchangedLabels(2), kind, asked, torch.arange(len(asked)), 0)
            assert certifier.supports(ballots.measure, kind) is None
            answers.append(certifier.certify(ballots))
        assert answers[0].prediction.tolist() == answers[1].prediction.tolist()
        assert answers[0].radius.tolist() == answers[1].radius.tolist()


@pytest.mark.parametrize("num_classes", [2, 3])
def test_sampled_votes_follow_the_names(num_classes: int) -> None:
    votes, _, asked = clustered(num_classes, 7, 1)
    measure = LabelFlip("0.3", num_classes)
    counts = votes.counts(measure, asked, torch.arange(len(asked)), 4000, (1, 2))
    chance = noise(measure.channel, votes.labels.tolist())
    for row, winners in enumerate(names(votes, asked).T):
        truth = [chance[winners == c].sum() for c in range(num_classes)]
        assert np.abs(counts[row].numpy() / 4000 - truth).max() < 0.05


def test_the_names_are_those_of_the_labels() -> None:
    votes, _, asked = clustered(3, 8, 2)
    ballots = Ballots(UnchangedLabels(3), votes, asked, torch.arange(len(asked)), 0)
    here = names(votes, asked)[number_of(votes.labels.tolist(), 3)]
    assert JointNaming().certify(ballots).prediction.tolist() == here.tolist()


def test_noise_is_refused() -> None:
    votes, _, _ = clustered(3, 8, 2)
    assert "UnchangedLabels" in str(JointNaming().supports(LabelFlip("0.1", 3), votes))
    assert "Clusters" in str(JointNaming().supports(UnchangedLabels(3), Clusters(3)))
