"""No poisoning attack within a certified budget succeeds, and attacks beyond it do: the test has teeth."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from torch import Tensor

from datamodules import Digits
from datamodules.poisoning import Budget, BullseyePolytope, PoisonedDataModule, PoisonFrogs, Poisons, Setup
from lightning_modules.defences import CertifiedVote, Training
from smoothing.certifiers import Certifier, Plurality, RunOff
from smoothing.measures import UnchangedExamples
from smoothing.votes import Centre, Partitions, Ridge
from smoothing.votes.parts.partition_rules import ByHash, ByPosition, Partition
from tests.lightning_modules.defences.bodies import Flat

TRAINING = Training(Flat())
TARGETS = range(0, 60, 3)


@dataclass(frozen=True)
class Case:
    certifier: Certifier
    partition: Partition


CASES = [Case(Plurality(), ByPosition()), Case(RunOff(), ByPosition()), Case(Plurality(), ByHash())]


def digits() -> Digits:
    data = Digits(classes=[4, 9], training="train[:200]", tests="test[:400]")
    data.setup()
    return data


def attacks(data: Digits, setup: Setup, count: int) -> Iterator[Poisons]:
    """Poisons of two attacks with small and unlimited changes, and copies of the target, the strongest of all."""
    target = data.test_set()[setup.target][1]
    for eps in (0.2, 1.0):
        for attack in (PoisonFrogs(steps=5, learning_rate=0.1), BullseyePolytope(steps=5)):
            yield attack.craft(data, setup, Budget(count, eps), [Flat()])
    copies = target.expand(count, *target.shape).clone()
    yield Poisons(copies, setup.bases[:count], setup, Budget(count, 1.0), "copies", 0, data.fingerprint(), [], 0.0, 0.0)


def spread(labels: Tensor, intended: int) -> tuple[int, ...]:
    """Bases that are in different parts as far as possible: consecutive positions of one class."""
    return tuple((labels == intended).nonzero().flatten().tolist())


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_no_attack_within_a_certified_budget_succeeds(case: Case) -> None:
    data = digits()
    votes = Partitions(Ridge(transforms=[Centre()]), parts=9, partition=case.partition)
    defence = CertifiedVote(votes, case.certifier, UnchangedExamples(change="changed examples"))
    clean = defence.defend(data, TRAINING, (0,))
    _, labels = data.training_set()
    certified = beaten = 0
    for position in TARGETS[:10]:
        _, x, label = data.test_set()[position]
        prediction, radius = int(clean.predict(x[None])), clean.radius(x[None])
        assert radius is not None
        if prediction != label:
            continue
        setup = Setup(position, label, 1 - label, spread(labels, 1 - label))
        budget = int(radius[0])
        for count, within in ((budget, True), (len(setup.bases), False)):
            if not count:
                continue
            for poisons in attacks(data, setup, count):
                poisoned = PoisonedDataModule(data, poisons)
                poisoned.setup()
                found = defence.defend(poisoned, TRAINING, (0,))
                changed = int(found.predict(x[None])) != prediction
                if within:
                    certified += 1
                    assert not changed, (position, budget, poisons.attack)
                beaten += changed
    assert certified
    assert beaten
