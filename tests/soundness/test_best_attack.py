"""The exact certificate is tight: the best attack alters the mean vote at radius + 1 flips, and not at fewer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.datasets import MNIST

from smoothing.certifiers import Chernoff, ExactVote
from smoothing.measures import LabelFlip
from smoothing.votes import PCA, Ballots, Centre, Constant, LinearVotes, NearestNeighbours, Normalise, Relative, Ridge

POINTS = 500


def ones_and_sevens(root: Path, train: bool) -> tuple[Tensor, Tensor]:
    data = MNIST(root, train=train)
    chosen = (data.targets == 1) | (data.targets == 7)
    return data.data[chosen].double().flatten(1) / 255, (data.targets[chosen] == 7).long()


@pytest.fixture(scope="module")
def pca(mnist_root: Path) -> PCA:
    transform = PCA(50)
    transform.fit(ones_and_sevens(mnist_root, train=True)[0])
    return transform


@pytest.fixture(scope="module")
def training_set(mnist_root: Path, pca: PCA) -> tuple[Tensor, Tensor]:
    x, labels = ones_and_sevens(mnist_root, train=True)
    return pca(x), labels


@pytest.fixture(scope="module")
def inputs(mnist_root: Path, pca: PCA) -> Tensor:
    return pca(ones_and_sevens(mnist_root, train=False)[0][:POINTS])


def best_flips(weights: Tensor, labels: Tensor, winner: int) -> tuple[Tensor, Tensor]:
    """Labels by decreasing effect of a flip on the lead of the winner, and these effects."""
    costs = 2 * weights * torch.where(labels == winner, 1, -1)
    order = costs.argsort(descending=True, stable=True)
    return order, costs[order]


def predicted(weights: Tensor, offsets: Tensor, labels: Tensor, measure: LabelFlip) -> int:
    """The mean vote in integer arithmetic; ties go to class 0."""
    q = measure.exact_q
    sums = [int(weights[labels == c].sum()) for c in range(2)]
    expected = [(1 - q) * sums[c] + q * sums[1 - c] + int(offsets[c]) for c in range(2)]
    return int(expected[1] > expected[0])


VOTES = {
    "signed": lambda: Ridge(Relative(10.0), [Centre(), Normalise()]),
    "binary": lambda: Ridge(Constant(1.0), coding="binary"),
    "neighbours": lambda: NearestNeighbours(101),
}


@pytest.mark.parametrize("kind", VOTES)
def test_best_attack_alters_the_vote_at_radius_plus_one(
    kind: str, training_set: tuple[Tensor, Tensor], inputs: Tensor
) -> None:
    votes: LinearVotes = VOTES[kind]()
    votes.fit(*training_set, 2)
    measure = LabelFlip("0.25", 2)
    ballots = Ballots(measure, votes, inputs, torch.arange(len(inputs)), 0)
    certificates = ExactVote().certify(ballots)
    assert np.unique(certificates.radius).size > 10
    scores = ballots.scores
    for row, (winner, radius) in enumerate(zip(certificates.prediction, certificates.radius.astype(int), strict=True)):
        weights, offsets = scores.weights[row], scores.offsets[row]
        order, costs = best_flips(weights, scores.labels, winner)
        assert (costs[: radius + 1] > 0).all()
        for flips, expected in ((0, winner), (radius, winner), (radius + 1, 1 - winner)):
            attacked = scores.labels.clone()
            attacked[order[:flips]] = 1 - attacked[order[:flips]]
            assert predicted(weights, offsets, attacked, measure) == expected


def test_refitting_to_attacked_labels_alters_the_prediction(
    training_set: tuple[Tensor, Tensor], inputs: Tensor
) -> None:
    """Change the training labels, fit again, predict again."""
    x, labels = training_set
    votes = VOTES["signed"]()
    votes.fit(x, labels, 2)
    few = inputs[:5]
    ballots = Ballots(LabelFlip("0.25", 2), votes, few, torch.arange(len(few)), 0)
    certificates, chernoff = ExactVote().certify(ballots), Chernoff().certify(ballots)
    assert (chernoff.radius <= certificates.radius).all()
    for row, (winner, radius) in enumerate(zip(certificates.prediction, certificates.radius.astype(int), strict=True)):
        order, _ = best_flips(ballots.scores.weights[row], labels, winner)
        for flips, expected in ((radius, winner), (radius + 1, 1 - winner)):
            attacked = labels.clone()
            attacked[order[:flips]] = 1 - attacked[order[:flips]]
            votes.fit(x, attacked, 2)
            again = Ballots(ballots.measure, votes, few[row : row + 1], torch.tensor([row]), 0)
            assert ExactVote().certify(again).prediction[0] == expected
