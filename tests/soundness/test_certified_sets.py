"""Certified sets against every attack: no class that an attack can make the answer is missing."""

from dataclasses import replace

import numpy as np
import pytest

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import ExactVote
from smoothing.measures import LabelFlip
from smoothing.testing import ballots_of, random_ballots, true_flips_to
from smoothing.testing.problems import tied_ballots
from smoothing.testing.referee import never_above_the_truth
from smoothing.votes import Ballots
from tests.certifiers.test_many_classes import AnyChannel, lopsided

SIZES = {2: 11, 3: 7, 4: 6}


def problems(num_classes: int) -> list[Ballots]:
    """Random problems with ties and offsets, under uniform and lopsided channels."""
    n = SIZES[num_classes]
    uniform = [
        random_ballots(LabelFlip(q, num_classes), num_classes, n, 8, seed) for seed, q in enumerate(("0.2", "0.4"))
    ]
    uniform += [one for one in tied_ballots("0.2") if one.scores.num_classes == num_classes == 2]
    given = random_ballots(LabelFlip("0.1", num_classes), num_classes, n, 8, 9)
    return [*uniform, Ballots(AnyChannel(lopsided(num_classes, 1)), given.votes, given.x, given.index, 0)]


def found(ballots: Ballots) -> Certificates:
    return ExactVote(sets=True).certify(ballots)


@pytest.mark.parametrize("num_classes", SIZES)
def test_every_reachable_class_is_in_the_set(num_classes: int) -> None:
    for ballots in problems(num_classes):
        certificates, truth = found(ballots), true_flips_to(ballots, found(ballots))
        n = SIZES[num_classes] if num_classes > 2 else len(ballots.scores.labels)
        for budget in range(n + 1):
            assert not ((truth <= budget) & ~certificates.sets(budget)).any()
        never_above_the_truth(ballots, certificates)


@pytest.mark.parametrize("num_classes", SIZES)
def test_most_sets_hold_no_class_that_is_out_of_reach(num_classes: int) -> None:
    """For two classes none does. For more, groups of leading classes are not all attacks."""
    same = total = 0
    for ballots in problems(num_classes):
        certificates, truth = found(ballots), true_flips_to(ballots, found(ballots))
        rivals = np.arange(num_classes) != certificates.prediction[:, None]
        same += int((certificates.flips_to == truth)[rivals].sum())
        total += int(rivals.sum())
    assert same >= {2: total, 3: 0.9 * total, 4: 0.9 * total}[num_classes]


@pytest.mark.parametrize("num_classes", SIZES)
def test_a_set_that_leaves_a_class_out_is_caught(num_classes: int) -> None:
    for ballots in problems(num_classes):
        certificates, truth = found(ballots), true_flips_to(ballots, found(ballots))
        assert certificates.flips_to is not None
        tight = (certificates.flips_to == truth) & (truth > 0) & np.isfinite(truth)
        assert tight.any()
        for row, label in [*zip(*np.nonzero(tight), strict=True)][:6]:
            raised = certificates.flips_to.copy()
            raised[row, label] += 1
            with pytest.raises(AssertionError, match=rf"row {row}: class {label} is said to need .* flips; it needs"):
                never_above_the_truth(ballots, replace(certificates, flips_to=raised))


@pytest.mark.parametrize("num_classes", SIZES)
def test_the_nearest_class_is_one_change_beyond_the_radius(num_classes: int) -> None:
    for ballots in problems(num_classes):
        certificates, n = found(ballots), len(ballots.scores.labels)
        assert certificates.flips_to is not None
        assert certificates.radius.tolist() == ExactVote().certify(ballots).radius.tolist()
        others = np.arange(num_classes) != certificates.prediction[:, None]
        nearest = certificates.flips_to.min(1, where=others, initial=np.inf)
        assert (nearest == np.where(certificates.radius < n, certificates.radius + 1, np.inf)).all()


def test_sets_grow_from_the_prediction_to_all_classes() -> None:
    ballots = ballots_of(LabelFlip("0.1", 3), [[1.0] * 9], [0] * 5 + [1] * 3 + [2], num_classes=3)
    certificates = found(ballots)
    assert certificates.flips_to is not None
    # Class 2 has 1 vote, and beats 5 and 3 votes only with 4: three flips, two of them from class 0. At 2 it trails.
    assert certificates.flips_to.tolist() == true_flips_to(ballots, certificates).tolist() == [[0.0, 2.0, 3.0]]
    assert certificates.sets(0).tolist() == [[True, False, False]]
    assert certificates.sets(2).tolist() == [[True, True, False]]
    assert certificates.sets(3).tolist() == [[True, True, True]]


def test_a_group_of_two_classes_needs_more_changes_than_each_of_them() -> None:
    """Class 2 passes one of two equal leaders with five changes, and both with seven."""
    ballots = ballots_of(LabelFlip("0.1", 3), [[1.0] * 21], [0] * 10 + [1] * 10 + [2], num_classes=3)
    assert found(ballots).flips_to.tolist() == [[0.0, 1.0, 7.0]]


@pytest.mark.parametrize("budget", [-1, 1.5, True])
def test_budgets_are_whole_numbers(budget: float) -> None:
    ballots = ballots_of(LabelFlip("0.1", 2), [[1.0] * 4], [0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"sets: budget = .*; must be"):
        found(ballots).sets(budget)  # type: ignore[arg-type]


def test_sets_that_are_not_computed_are_refused() -> None:
    ballots = ballots_of(LabelFlip("0.1", 2), [[1.0] * 4], [0, 0, 0, 1])
    with pytest.raises(
        ValueError, match=r"Certificates: flips_to = None; must be computed, as by ExactVote\(sets=True\)"
    ):
        ExactVote().certify(ballots).sets(1)
    with pytest.raises(ValueError, match="ExactVote: sets = 1; must be a bool"):
        ExactVote(sets=1)  # type: ignore[arg-type]
