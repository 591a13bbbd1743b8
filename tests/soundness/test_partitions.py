"""Partition votes against all label vectors of tiny training sets, with learners trained on each of them."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smoothing.certifiers import Certifier, Plurality, RunOff, WhiteBox
from smoothing.certifiers.exact.white_box import least_cost
from smoothing.testing import by_plurality, by_run_off, flips_stood, never_above
from smoothing.votes import (
    Ballots,
    ByHash,
    Centroids,
    ClassSum,
    Constant,
    NearestNeighbours,
    Partitions,
    Ridge,
)
from tests.elections import election

LEARNERS = {
    "ridge": lambda: Ridge(Constant(0.5)),
    "class-sum": lambda: ClassSum(0.7),
    "neighbour": lambda: NearestNeighbours(1),
    "three-neighbours": lambda: NearestNeighbours(3),
    "centroids": lambda: Centroids(),
}
RULES = {Plurality: by_plurality, WhiteBox: by_plurality, RunOff: by_run_off}
SIZES = [
    (2, 10, 4, 1),
    (2, 9, 5, 2),
    (3, 8, 5, 1),
    (3, 8, 7, 2),
    (3, 6, 4, 3),
    (3, 7, 7, 1),
    (4, 6, 4, 1),
    (4, 6, 6, 2),
]
"""Classes, examples, parts, spread."""


def truth(certifier: Certifier, ballots: Ballots, said: NDArray[np.float64]) -> NDArray[np.int64]:
    winners = RULES[type(certifier)](said)
    votes = ballots.votes
    assert isinstance(votes, Partitions)
    return flips_stood(winners, certifier.certify(ballots), votes.labels.tolist(), votes.num_classes)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: "K{}-n{}-parts{}-spread{}".format(*s))
@pytest.mark.parametrize("learner", ["ridge", "class-sum", "neighbour", "centroids"])
def test_no_radius_is_above_the_truth(learner: str, size: tuple[int, int, int, int]) -> None:
    for seed, unanimous in enumerate((False, True)):
        ballots, said = election(LEARNERS[learner](), *size, seed, unanimous)
        for certifier in (Plurality(), RunOff(), WhiteBox()):
            if certifier.supports(ballots.measure, ballots.votes) is None:
                never_above(truth(certifier, ballots, said), certifier.certify(ballots))


def is_dpa_attained(certifier: Certifier) -> None:
    """Check that radii are exact if every part has one example and predicts its label."""
    for num_classes, n in ((2, 10), (3, 8), (4, 6)):
        for seed in range(3):
            ballots, said = election(NearestNeighbours(1), num_classes, n, n, 1, seed, unanimous=seed == 0)
            certificates, true = certifier.certify(ballots), truth(certifier, ballots, said)
            never_above(true, certificates)
            assert certificates.radius.tolist() == true.tolist()


def test_plurality_is_attained_by_parts_of_one_example() -> None:
    is_dpa_attained(Plurality())


def test_white_box_is_attained_by_parts_of_one_example() -> None:
    is_dpa_attained(WhiteBox())


def is_the_truth_for_two_classes(learner: str) -> None:
    """Check that the cheapest choice of parts is an attack."""
    larger = 0
    for seed, (n, parts) in enumerate(product((9, 10), (1, 2, 3))):
        ballots, said = election(LEARNERS[learner](), 2, n, parts, 1, seed, unanimous=seed % 2 == 0)
        certificates, true = WhiteBox().certify(ballots), truth(WhiteBox(), ballots, said)
        never_above(true, certificates)
        assert certificates.radius.tolist() == true.tolist()
        larger += int((certificates.radius > Plurality().certify(ballots).radius).sum())
    assert larger > 0


@pytest.mark.parametrize("learner", ["ridge", "class-sum", "three-neighbours"])
def test_white_box_is_exact_for_two_classes(learner: str) -> None:
    is_the_truth_for_two_classes(learner)


def test_white_box_is_never_below_plurality() -> None:
    for seed in range(10):
        ballots, _ = election(Ridge(Constant(0.5)), 3, 6, 2, 1, seed)
        assert (WhiteBox().certify(ballots).radius >= Plurality().certify(ballots).radius).all()


def run_off_reaches_the_truth() -> None:
    """Check that radii are exact on many inputs, so that a radius raised by one is refuted."""
    reached = 0
    for seed in range(6):
        ballots, said = election(NearestNeighbours(1), 3, 8, 8, 1, seed, unanimous=True)
        certificates, true = RunOff().certify(ballots), truth(RunOff(), ballots, said)
        never_above(true, certificates)
        reached += int((certificates.radius == true).sum())
    assert reached > 30


def test_run_off_is_attained() -> None:
    run_off_reaches_the_truth()


def test_finite_aggregation_is_attained() -> None:
    reached = 0
    for seed in range(6):
        ballots, said = election(NearestNeighbours(1), 2, 9, 9, 3, seed, unanimous=True)
        certificates, true = Plurality().certify(ballots), truth(Plurality(), ballots, said)
        never_above(true, certificates)
        reached += int((certificates.radius == true).sum())
    assert reached > 5


def test_run_off_with_two_classes_is_plurality() -> None:
    for seed in range(5):
        ballots, _ = election(Centroids(), 2, 8, 6, 2, seed)
        run_off, plurality = RunOff().certify(ballots), Plurality().certify(ballots)
        assert run_off.prediction.tolist() == plurality.prediction.tolist()
        assert run_off.radius.tolist() == plurality.radius.tolist()


def test_a_spread_of_one_is_half_the_lead() -> None:
    for seed in range(5):
        ballots, _ = election(Centroids(), 3, 8, 7, 1, seed)
        certificates = Plurality().certify(ballots)
        for row, tally in enumerate(ballots.poll.tally):
            winner = tally.argmax()
            leads = [(tally[winner] - tally[c] - (c < winner)) // 2 for c in range(3) if c != winner]
            assert certificates.radius[row] == min(leads)


def test_learners_are_trained_on_their_parts() -> None:
    x, y = torch.randn(30, 2), torch.arange(30) % 3
    votes = Partitions(Centroids(), 7, 3, ByHash(), seed=4)
    votes.fit(x, y, 3)
    part = votes.partition.assign(x, y, 7)
    for learner, examples in enumerate(votes.seen):
        parts = [p for p in range(7) if learner in votes.reached[p]]
        assert len(parts) == 3
        assert sorted(examples.tolist()) == [j for j in range(30) if part[j] in parts]


prices = st.lists(st.tuples(st.integers(1, 6), st.one_of(st.integers(0, 6), st.just(np.inf))), min_size=1, max_size=6)


@settings(max_examples=300)
@given(prices, st.integers(1, 9))
def test_the_least_cost_is_the_minimum_over_all_choices(offers: list[tuple[int, float]], gain: int) -> None:
    one = np.array([first for first, _ in offers], np.float64)
    both = np.array([first + more for first, more in offers], np.float64)
    best = np.inf
    for choice in product(range(3), repeat=len(offers)):
        if sum(choice) >= gain:
            best = min(best, sum((0, one[p], both[p])[bought] for p, bought in enumerate(choice)))
    assert least_cost(gain, one, both) == best
