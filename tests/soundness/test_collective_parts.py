"""Collective bounds of partitions against all label vectors of tiny training sets, with learners trained on each."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smoothing.collective import CollectiveCertifier, CollectivePlurality, CollectiveRunOff, run
from smoothing.collective.examples import UNIT
from smoothing.collective.run import bounds_of
from smoothing.testing import by_plurality, by_run_off
from smoothing.testing.brute_force import flips
from smoothing.votes import Ballots, Centroids, Constant, NearestNeighbours, Partitions, Ridge
from tests.elections import election

RULES = {CollectivePlurality: by_plurality, CollectiveRunOff: by_run_off}
LEARNERS = {
    "ridge": lambda: Ridge(Constant(0.5)),
    "neighbour": lambda: NearestNeighbours(1),
    "centroids": lambda: Centroids(),
}
SIZES = [
    (2, 10, 4, 1),
    (2, 9, 5, 2),
    (3, 8, 5, 1),
    (3, 8, 7, 2),
    (3, 6, 4, 3),
    (3, 7, 7, 1),
    (4, 6, 6, 1),
    (4, 6, 6, 2),
]
"""Classes, examples, parts, spread."""


def truth_of(certifier: CollectiveCertifier, ballots: Ballots, said: NDArray[np.float64]) -> list[int]:
    """Return the largest number of answers that each number of flips changes."""
    winners, votes = RULES[type(certifier)](said), ballots.votes
    assert isinstance(votes, Partitions)
    labels = votes.labels.tolist()
    changed = (winners != certifier.examples(ballots).prediction).sum(1)
    away = flips(labels, votes.num_classes)
    return [int(changed[away <= budget].max()) for budget in certifier.budgets]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: "K{}-n{}-parts{}-spread{}".format(*s))
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("kind", RULES)
def test_no_attack_changes_more_answers_than_the_bound(
    kind: type[CollectiveCertifier], learner: str, size: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        ballots, said = election(LEARNERS[learner](), *size, seed, unanimous=bool(seed % 2))
        certifier = kind(range(size[1] + 1), "all", steps=30)
        examples = certifier.examples(ballots)
        truth = truth_of(certifier, ballots, said)
        given = np.random.default_rng(seed).integers(0, UNIT + 1, (4, len(examples.prediction)))
        found = [bounds_of(certifier, lambda: [examples], examples.prediction, m) for m in (None, given)]  # noqa: B023
        with monkeypatch.context() as patch:
            patch.setattr(run, "SMALL", 0)
            found.append(bounds_of(certifier, lambda: [examples], examples.prediction))  # noqa: B023
        for one in found:
            assert (np.array(one.bounds) >= truth).all(), (one.bounds, truth)
            assert (np.array(one.certified) >= one.pointwise).all()


@pytest.mark.parametrize("kind", RULES)
def test_bounds_are_attained_by_parts_of_one_example(kind: type[CollectiveCertifier]) -> None:
    """With one example a part, bounds equal the truth often, so that a bound one less would be wrong."""
    equal = total = 0
    for seed in range(4):
        ballots, said = election(NearestNeighbours(1), 3, 8, 8, 1, seed, unanimous=bool(seed % 2))
        certifier = kind(range(1, 8), "all")
        examples = certifier.examples(ballots)
        truth = truth_of(certifier, ballots, said)
        found = bounds_of(certifier, lambda: [examples], examples.prediction)  # noqa: B023
        assert (np.array(found.bounds) >= truth).all()
        equal += int((np.array(found.bounds) == truth).sum())
        total += len(truth)
    assert equal > total / 2
