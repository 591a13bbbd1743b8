"""Setups of attacks that do not fit the data are refused."""

import pytest
import torch

from datamodules.poisoning import Setup, draw_setups
from tests.datamodules.poisoning.small import digits


def base(label: int, number: int = 0) -> int:
    return int((digits().training_set()[1] == label).nonzero()[number])


def target(label: int) -> int:
    tests = digits().test_set()
    return next(position for position in range(100) if tests[position][2] == label)


def test_drawn_setups_fit_the_data() -> None:
    setups = draw_setups(digits(), 30, 20, seed=3)
    for setup in setups:
        setup.check(digits())
        assert len(setup.bases) == 20
    assert len({setup.target for setup in setups}) == 30
    assert {(setup.target_class, setup.intended) for setup in setups} == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }
    assert setups == draw_setups(digits(), 30, 20, seed=3)
    assert setups != draw_setups(digits(), 30, 20, seed=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": -1}, "target = -1; must be at least 0"),
        ({"intended": 0}, "intended = 0; must be another class than that of the target"),
        ({"bases": ()}, r"bases = \[\]; must be at least one position, each once"),
        ({"bases": (4, 4)}, r"bases = \[4, 4\]; must be at least one position, each once"),
        ({"bases": (4, -1)}, "bases = -1; must be at least 0"),
        ({"bases": (4, 1.5)}, "bases = 1.5; must be a whole number, at least 0"),
        ({"bases": "45"}, "bases = '45'; must be a list"),
    ],
)
def test_bad_setups_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^Setup: {message}$"):
        Setup(**{"target": 0, "target_class": 0, "intended": 1, "bases": (4,), **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 10**6}, "target = 1000000; must be below 181, the number of test examples"),
        ({"bases": (10**6,)}, "bases = 1000000; must be below 356, the number of training examples"),
        ({"intended": 3}, "intended = 3; must be below 3, the number of classes"),
        ({"target_class": 2}, "target_class = 2; must be 0, the label of test example .*"),
        ({"bases": (base(1), base(2))}, "bases = training example .* of class 2; must be of the intended class 1"),
    ],
)
def test_setups_that_do_not_fit_the_data_are_refused(arguments: dict, message: str) -> None:
    valid = {"target": target(0), "target_class": 0, "intended": 1, "bases": (base(1), base(1, 1))}
    Setup(**valid).check(digits())
    with pytest.raises(ValueError, match=f"^Setup: {message}$"):
        Setup(**{**valid, **arguments}).check(digits())


@pytest.mark.parametrize(
    ("number", "bases", "seed", "message"),
    [
        (0, 1, 0, "number = 0; must be at least 1"),
        (1, 0, 0, "bases = 0; must be at least 1"),
        (1, 1, -1, "seed = -1; must be at least 0"),
        (10**4, 1, 0, "number = 10000; must be at most 181, the number of test examples"),
        (1, 10**4, 0, "bases = 10000; must be at most .*, the number of training images of the smallest class"),
    ],
)
def test_draws_beyond_the_data_are_refused(number: int, bases: int, seed: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^draw_setups: {message}$"):
        draw_setups(digits(), number, bases, seed)


def test_positions_may_be_whole_numbers_of_any_type() -> None:
    assert Setup(0, 0, 1, [torch.tensor(3).item(), 5]).bases == (3, 5)
