"""Votes of parts and bags pass the suite. Partitions read no label unless they declare it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.measures import LabelFlip, SmoothingMeasure, Subsample, UnchangedLabels
from smoothing.testing import VotesConformance
from smoothing.votes import (
    Bagging,
    ByContent,
    ByHash,
    ByPosition,
    Centre,
    Centroids,
    Constant,
    JointClusters,
    Partition,
    Partitions,
    Ridge,
    Stratified,
    Votes,
)


def training_set(n: int = 24) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 3
    return torch.randn(n, 3, generator=generator) + 2 * torch.eye(3)[y], y


class OnThreeClasses(VotesConformance):
    @pytest.fixture
    def x(self) -> Tensor:
        return 1.5 * torch.randn(4, 3, generator=torch.Generator().manual_seed(1))

    def fitted(self, votes: Votes) -> Votes:
        votes.fit(*training_set(), 3)
        return votes


class TestPartitions(OnThreeClasses):
    @pytest.fixture(params=[1, 3])
    def votes(self, request: pytest.FixtureRequest) -> Votes:
        return self.fitted(Partitions(Ridge(Constant(1.0)), 6, request.param, transforms=[Centre()]))

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return UnchangedLabels(3)


class TestBagging(OnThreeClasses):
    @pytest.fixture
    def votes(self) -> Votes:
        return self.fitted(Bagging(Centroids(), [Centre()]))

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Subsample(4)

    def test_counts_are_a_function_of_the_key(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        first = votes.counts(measure, x, index, 100, (3, 1))
        votes.counts(measure, x, index, 100, (3, 2))
        assert torch.equal(votes.counts(measure, x, index, 100, (3, 1)), first)
        assert not torch.equal(votes.counts(measure, x, index, 100, (3, 2)), first)


class TestJointClusters(OnThreeClasses):
    @pytest.fixture
    def votes(self) -> Votes:
        return self.fitted(JointClusters([Centre()], restarts=2))

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return LabelFlip("0.5", 3)


@pytest.mark.parametrize("rule", [ByHash(), ByContent(), ByPosition()], ids=["hash", "content", "position"])
def test_partitions_do_not_depend_on_labels(rule: Partition) -> None:
    x, y = training_set()
    part = rule.assign(x, y, 5)
    assert part.shape == y.shape
    assert set(part.tolist()) <= set(range(5))
    for other in (y.flip(0), torch.zeros_like(y)):
        assert torch.equal(rule.assign(x, other, 5), part)


def test_partitions_by_position_declare_an_assumption() -> None:
    assert ByPosition().assumptions == ("examples keep their places when labels flip",)


@pytest.mark.parametrize("rule", [ByHash(), ByContent()], ids=["hash", "content"])
def test_partitions_by_content_do_not_depend_on_order(rule: Partition) -> None:
    assert not rule.assumptions
    x, y = training_set()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
    assert torch.equal(rule.assign(x[order], y[order], 5), rule.assign(x, y, 5)[order])


@pytest.mark.parametrize("rule", [ByContent(), ByPosition(), Stratified(conditional=True)])
def test_parts_are_of_equal_size(rule: Partition) -> None:
    sizes = np.bincount(rule.assign(*training_set(23), 5).numpy(), minlength=5)
    assert sizes.max() - sizes.min() <= 1


def test_stratified_partitions_must_be_conditional_and_declare_it() -> None:
    with pytest.raises(ValueError, match=r"Stratified: conditional = False; must be true"):
        Stratified()
    votes = Partitions(Centroids(), 4, partition=Stratified(conditional=True))
    votes.fit(*training_set(), 3)
    assert "partition" in votes.assumptions[0]
    parts = [Stratified(conditional=True).assign(x, y, 4) for x, y in [training_set()]]
    for c in range(3):
        sizes = parts[0][training_set()[1] == c].bincount(minlength=4)
        assert sizes.max() - sizes.min() <= 1


def test_labels_change_only_the_learners_that_see_them() -> None:
    x, y = training_set()
    votes = Partitions(Centroids(), 6, 2, seed=1)
    votes.fit(x, y, 3)
    before = votes.poll(x).class_scores
    changed = y.clone()
    changed[5] = (changed[5] + 1) % 3
    votes.fit(x, changed, 3)
    differs = (votes.poll(x).class_scores != before).any((0, 2))
    assert np.flatnonzero(differs).tolist() == [number for number, seen in enumerate(votes.seen) if 5 in seen]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"parts": 0}, "parts = 0; must be at least 1"),
        ({"parts": 25}, "parts = 25; must be at most 24"),
        ({"parts": 4, "spread": 5}, "spread = 5; must be from 1 to 4"),
        ({"parts": 4, "seed": -1}, "seed = -1; must be at least 0"),
        ({"parts": 24, "partition": ByHash()}, "must be fewer, learner 3 has no example"),
    ],
)
def test_bad_partitions_are_refused(arguments: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Partitions(Centroids(), **arguments).fit(*training_set(), 3)


@pytest.mark.parametrize("votes", [Partitions(Centroids(), 2), Bagging(Centroids()), JointClusters()])
def test_bad_training_sets_are_refused(votes: Votes) -> None:
    x, y = training_set()
    for labels, num_classes, said in ((y, 4, "class 3 has no example"), (y * 0, 1, "must be at least 2")):
        with pytest.raises(ValueError, match=said):
            votes.fit(x, labels, num_classes)


def test_a_class_without_an_example_in_a_part_gets_no_vote() -> None:
    learner = Centroids()
    learner.learn(torch.randn(4, 2), torch.tensor([0, 2, 2, 0]), 4)
    scores = learner.class_scores(torch.randn(50, 2))
    assert (scores[:, [1, 3]] == -torch.inf).all()
    assert (scores[:, [0, 2]] <= 0).all()
