"""Attacks on many answers against collective bounds, and against all attacks on tiny training sets."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from smoothing.attacks import CollectiveAttack, CollectiveAttacked, GreedyFlips, LocalSearchFlips, attacked_together
from smoothing.attacks.labels import collective_attack
from smoothing.collective import CollectiveVote
from smoothing.collective.run import bounds_of
from smoothing.measures import LabelFlip, UnchangedLabels
from smoothing.testing.problems import random_ballots
from smoothing.votes import Ballots, LinearVotes, NearestNeighbours, Ridge
from tests.soundness.test_collective import EXAMPLES, similar_votes, truth_of

BUDGETS = [1, 2, 3, 5]


def attacked(attack: CollectiveAttack, ballots: Ballots) -> CollectiveAttacked:
    """Return the answers that an attack changes, all counted."""
    examples = attack.examples(ballots)
    return attacked_together(attack, lambda: [examples], examples.prediction)


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("kind", [GreedyFlips, LocalSearchFlips])
def test_the_truth_lies_between_attack_and_bound(kind: type[CollectiveAttack], num_classes: int) -> None:
    reached = total = 0
    for seed in range(12):
        ballots = random_ballots(LabelFlip("0.3", num_classes), num_classes, 7, EXAMPLES, seed)
        attack, certifier = kind(BUDGETS, "all"), CollectiveVote(BUDGETS, "all")
        examples = certifier.examples(ballots)
        truth, found = truth_of(ballots, examples.prediction), attacked(attack, ballots)
        bounds = bounds_of(certifier, lambda: [examples], examples.prediction).bounds  # noqa: B023
        for budget, changed, bound in zip(BUDGETS, found.changed, bounds, strict=True):
            assert changed <= truth[budget] <= bound
            reached += changed == truth[budget]
            total += 1
    assert reached > 0.4 * total


def test_attacks_stay_within_their_budgets_and_are_carried_out() -> None:
    """Changed labels differ in at most the budget, and the vote on them changes as many answers as stated."""
    ballots = similar_votes(1)
    found = attacked(LocalSearchFlips(BUDGETS, "all"), ballots)
    given = ballots.scores
    assert ((found.labels != given.labels.numpy()).sum(1) <= BUDGETS).all()
    before = (given.class_sums + given.offsets).argmax(1)
    for labels, changed in zip(found.labels, found.changed, strict=True):
        sums = torch.stack([(given.weights * (torch.from_numpy(labels) == c)).sum(1) for c in range(3)], 1)
        assert int(((sums + given.offsets).argmax(1) != before).sum()) == changed


def clouds(votes: LinearVotes) -> tuple[Ballots, NDArray[np.int64]]:
    """Return 60 examples of a vote on 300 points in three overlapping clouds, and their true classes."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(360) % 3
    x = torch.randn(360, 4, generator=generator) + 2 * torch.eye(3, 4)[y]
    votes.fit(x[:300], y[:300], 3)
    return Ballots(UnchangedLabels(3), votes, x[300:], torch.arange(60), 0), y[300:].numpy()


@pytest.mark.parametrize("votes", [NearestNeighbours(20), Ridge()], ids=["sparse", "dense"])
def test_local_search_is_never_worse_than_greedy(votes: LinearVotes) -> None:
    ballots, truth = clouds(votes)
    budgets = [2, 5, 10, 20]
    greedy, local, certifier = GreedyFlips(budgets), LocalSearchFlips(budgets, rounds=5), CollectiveVote(budgets)
    examples = greedy.examples(ballots)
    changed = [attacked_together(attack, lambda: [examples], truth).changed for attack in (greedy, local)]
    bound = bounds_of(certifier, lambda: [examples], truth).bounds
    assert (np.array(changed[0]) <= changed[1]).all()
    assert (np.array(changed[1]) <= bound).all()
    assert changed[0][-1] > 0


@pytest.mark.parametrize("votes", [NearestNeighbours(20), Ridge()], ids=["sparse", "dense"])
def test_a_search_on_some_examples_is_counted_on_all(votes: LinearVotes, monkeypatch: pytest.MonkeyPatch) -> None:
    ballots, truth = clouds(votes)
    attack, certifier = GreedyFlips([10, 20]), CollectiveVote([10, 20])
    examples = attack.examples(ballots)
    monkeypatch.setattr(collective_attack, "SIZE", len(truth) * examples.size() // 7)
    assert attack.spacing(examples, len(truth)) >= 7
    some = [attack.examples(Ballots(ballots.measure, votes, ballots.x[[i]], torch.tensor([i]), 0)) for i in range(60)]
    one, blocks = (attacked_together(attack, lambda b=b: b, truth) for b in ([examples], some))
    assert (one.labels == blocks.labels).all()
    assert one.changed == blocks.changed
    lost = [(examples.answers(labels) != examples.prediction)[one.counted].sum() for labels in one.labels]
    assert one.changed == lost
    bound = bounds_of(certifier, lambda: [examples], truth).bounds
    assert 0 < one.changed[-1] <= bound[-1]
