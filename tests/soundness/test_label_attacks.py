"""Attack and certificate agree: the attack alters the prediction at radius + 1 flips, and not at fewer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from datamodules import MNIST, DataModule, Digits
from smoothing.attacks import BestAttack, InfluenceAttack, NearestAttack
from smoothing.certifiers import ExactVote
from smoothing.measures import LabelFlip
from smoothing.votes import (
    PCA,
    Ballots,
    Centre,
    Constant,
    LinearVotes,
    LogisticHead,
    NearestNeighbours,
    Normalise,
    Relative,
    Ridge,
)

POINTS = 500


def read(data: DataModule, points: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training inputs and labels, and test inputs at regular positions with their classes."""
    data.prepare_data()
    data.setup()
    tests = data.test_set()
    examples = [tests[index] for index in np.linspace(0, len(tests) - 1, points).astype(int).tolist()]  # type: ignore[arg-type]
    return *data.training_set(), torch.stack([x for _, x, _ in examples]), torch.tensor([c for _, _, c in examples])


def put(votes: LinearVotes, data: tuple[Tensor, Tensor, Tensor, Tensor], classes: int) -> Ballots:
    x, labels, tests, _ = data
    votes.fit(x, labels, classes)
    return Ballots(LabelFlip("0.1", classes), votes, tests, torch.arange(len(tests)), 0)


VOTES: dict[str, Callable[[], LinearVotes]] = {
    "ridge": lambda: Ridge(Relative(10.0), [PCA(30), Normalise()]),
    "neighbours": lambda: NearestNeighbours(101, [Centre(), Normalise()]),
}


def agree(ballots: Ballots) -> None:
    certified, attacked = ExactVote().certify(ballots), BestAttack().attack(ballots)
    np.testing.assert_array_equal(certified.prediction, attacked.prediction)
    np.testing.assert_array_equal(certified.radius, attacked.upper_bound)
    assert len(np.unique(certified.radius)) > 10


@pytest.mark.parametrize("classes", [(1, 7), range(10)], ids=["two classes", "ten classes"])
@pytest.mark.parametrize("votes", VOTES)
def test_attack_and_certificate_agree(votes: str, classes: tuple[int, ...]) -> None:
    agree(put(VOTES[votes](), read(Digits(classes), 60), len(classes)))


def test_with_offsets_they_agree_too() -> None:
    agree(put(Ridge(Constant(1.0), coding="binary"), read(Digits((1, 7)), 60), 2))


@pytest.mark.slow
@pytest.mark.parametrize("classes", [(1, 7), range(10)], ids=["ones and sevens", "ten digits"])
def test_on_mnist_they_agree(classes: tuple[int, ...], mnist_root: Path) -> None:
    agree(put(VOTES["ridge"](), read(MNIST(classes), POINTS), len(classes)))


@pytest.fixture(scope="module")
def attacked_head() -> tuple[Ballots, Tensor]:
    x, labels, tests, _ = read(Digits((1, 7)), 6)
    head = LogisticHead(0.01, [Centre()])
    head.fit(x, labels, 2)
    return Ballots(LabelFlip("0.1", 2), head, tests, torch.arange(len(tests)), 0), labels


@pytest.mark.parametrize("attack", [NearestAttack(), InfluenceAttack()])
def test_attacks_succeed_on_a_retrained_head(
    attack: NearestAttack | InfluenceAttack, attacked_head: tuple[Ballots, Tensor]
) -> None:
    ballots, _ = attacked_head
    head = ballots.votes
    assert isinstance(head, LogisticHead)
    found = attack.attack(ballots)
    assert found.classifier == "attacked base"
    assert (found.upper_bound < len(head.labels) / 2).all()
    inputs = head.features_of(ballots.x)
    for x, winner, radius in zip(inputs, found.prediction, found.upper_bound.astype(int), strict=True):
        order = attack.order(head, x, winner, 1 - winner)
        order = order[head.labels[order] == winner]
        turned = []
        for direction in (order, order[::-1]):
            labels = head.labels.copy()
            labels[direction[: radius + 1]] = 1 - winner
            turned.append((head.retrained(labels, head.weights) @ x).argmax() != winner)
        assert any(turned)


def test_influence_predicts_the_change_of_the_loss(attacked_head: tuple[Ballots, Tensor]) -> None:
    """The loss after retraining on a single flip follows the order of influence (Koh and Liang 2017)."""
    ballots, _ = attacked_head
    head = ballots.votes
    assert isinstance(head, LogisticHead)
    x = head.features_of(ballots.x)[0]
    winner = int((head.weights @ x).argmax())
    order = InfluenceAttack().order(head, x, winner, 1 - winner)
    chosen = order[head.labels[order] == winner][:: len(order) // 20]
    rise = []
    for point in chosen:
        labels = head.labels.copy()
        labels[point] = 1 - winner
        logits = head.retrained(labels, head.weights) @ x
        rise.append(np.logaddexp(*logits) - logits[winner])
    ranks = np.argsort(np.argsort(rise))
    assert np.corrcoef(ranks, -np.arange(len(rise)))[0, 1] > 0.9
