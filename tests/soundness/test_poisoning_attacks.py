"""No poisoning attack within a certified budget succeeds, and attacks beyond it do: the test has teeth."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
import torch
from torch import Tensor

from datamodules import Digits
from datamodules.poisoning import Budget, BullseyePolytope, PoisonedDataModule, PoisonFrogs, Poisons, Setup
from lightning_modules.defences import CertifiedVote, Training
from smoothing.certifiers import Certifier, Plurality, RunOff
from smoothing.measures import UnchangedExamples
from smoothing.votes import NearestNeighbours, Partitions
from smoothing.votes.parts.partition_rules import ByHash, ByPosition, Partition
from tests.lightning_modules.defences.bodies import Flat

TRAINING = Training(Flat())
PARTS = 7
TARGETS = range(0, 30, 5)


@dataclass(frozen=True)
class Case:
    certifier: Certifier
    partition: Partition
    change: Literal["changed examples", "inserted or deleted examples"] = "changed examples"


CASES = [Case(Plurality(), ByPosition()), Case(RunOff(), ByPosition()), Case(Plurality(), ByHash())]
CASES += [Case(RunOff(), ByHash(), "inserted or deleted examples")]


def digits() -> Digits:
    data = Digits(classes=[4, 9], training="train[:300]", tests="test[:400]")
    data.setup()
    return data


def copies(data: Digits, setup: Setup, count: int) -> Poisons:
    """Near copies of the target, after which the nearest neighbour of their part names the intended class."""
    target = data.test_set()[setup.target][1]
    images = target.expand(count, *target.shape).clone()
    # Slightly different, since equal examples are in the same part by their hash.
    images[:, 0, 0, 0] += 0.001 * torch.arange(count)
    budget = Budget(count, 1.0)
    return Poisons(images, setup.bases[:count], setup, budget, "copies", 0, data.fingerprint(), [], 0.0, 0.0)


def attacks(data: Digits, setup: Setup, count: int) -> Iterator[Poisons]:
    """Poisons of two attacks with small and unlimited changes, and copies of the target."""
    for eps in (0.2, 1.0):
        for attack in (PoisonFrogs(steps=5, learning_rate=0.1), BullseyePolytope(steps=5)):
            yield attack.craft(data, setup, Budget(count, eps), [Flat()])
    yield copies(data, setup, count)


def spread(labels: Tensor, intended: int) -> tuple[int, ...]:
    """Bases, those of different parts by position first."""
    members = (labels == intended).nonzero().flatten().tolist()
    before = Counter[int]()
    ranks = {}
    for base in members:
        ranks[base] = before[base % PARTS]
        before[base % PARTS] += 1
    return tuple(sorted(members, key=lambda base: (ranks[base], base)))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_no_attack_within_a_certified_budget_succeeds(case: Case) -> None:
    data = digits()
    votes = Partitions(NearestNeighbours(1), parts=PARTS, partition=case.partition)
    defence = CertifiedVote(votes, case.certifier, UnchangedExamples(case.change))
    clean = defence.defend(data, TRAINING, (0,))
    _, labels = data.training_set()
    images = torch.stack([data.test_set()[position][1] for position in TARGETS])
    predicted, radii = clean.predict(images).tolist(), clean.radius(images)
    assert radii is not None
    certified, attacked, beaten = set(), set(), 0
    for position, prediction, radius in zip(TARGETS, predicted, radii, strict=True):
        _, x, label = data.test_set()[position]
        # The attacks start at a target that is classified correctly.
        if prediction != label:
            continue
        setup = Setup(position, label, 1 - label, spread(labels, 1 - label))
        certified |= {(position, budget) for budget in range(1, int(radius) + 1)}

        def changed(poisons: Poisons) -> bool:
            poisons.check(data)
            poisoned = PoisonedDataModule(data, poisons)
            return int(defence.defend(poisoned, TRAINING, (0,)).predict(x[None])) != prediction  # noqa: B023

        for budget in range(1, int(radius) + 1):
            for poisons in attacks(data, setup, budget):
                assert not changed(poisons), (position, budget, poisons.attack)
                attacked.add((position, budget))
        beaten += changed(copies(data, setup, len(setup.bases)))
    assert attacked == certified
    assert len(certified) >= len(TARGETS) / 2
    assert beaten
