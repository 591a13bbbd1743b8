"""Arguments of collective bounds, and tables of collective certificates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from smoothing.attacks import GreedyFlips, LocalSearchFlips
from smoothing.collective import CollectiveRow, CollectiveTable, CollectiveVote, collective_bounds
from smoothing.collective.examples import UNIT
from smoothing.measures import Gaussian, LabelFlip, SmoothingMeasure
from smoothing.votes import JointClusters, NearestNeighbours, Votes

X = torch.arange(24.0).reshape(12, 2)
Y = torch.arange(12) % 2


def fitted() -> NearestNeighbours:
    votes = NearestNeighbours(3)
    votes.fit(X, Y, 2)
    return votes


def bounds(measure: SmoothingMeasure | None = None, votes: Votes | None = None, **given: Any) -> object:
    certifier = CollectiveVote([1, 2])
    return collective_bounds(certifier, votes or fitted(), measure or LabelFlip("0.1", 2), X[:4], Y[:4], **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"multipliers": np.full((1, 4), UNIT + 1)}, f"multipliers = {UNIT + 1} / {UNIT}; must be within"),
        ({"multipliers": np.full((1, 4), -UNIT)}, f"multipliers = -{UNIT} / {UNIT}; must be within"),
        ({"multipliers": np.zeros((1, 4))}, "multipliers = float64 of shape"),
        ({"multipliers": np.zeros((1, 3), np.int64)}, "multipliers = int64 of shape"),
        ({"index": [0, 1, 2, 1]}, "examples = position 1 more than once; must be given once"),
        ({"measure": Gaussian(0.5)}, "Gaussian"),
        ({"votes": JointClusters()}, "JointClusters is not a linear vote"),
    ],
)
def test_bad_input_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^CollectiveVote: .*{message}"):
        bounds(**given)


def test_labels_must_be_one_per_example() -> None:
    with pytest.raises(ValueError, match=r"^CollectiveVote: labels = an array of shape \[5\]; must be \(4,\)"):
        collective_bounds(CollectiveVote([1]), fitted(), LabelFlip("0.1", 2), X[:4], Y[:5])


@pytest.mark.parametrize("kind", [CollectiveVote, GreedyFlips, LocalSearchFlips])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("budgets", value) for value in (5, "12", [], [1.5], [-1], [2, 2], [True], [None])],
        *[("counted", value) for value in ("wrong", None)],
    ],
)
def test_bad_arguments_are_refused_by_name(kind: type, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{kind.__name__}: {name} = .*; must be "):
        kind(**{"budgets": [1], name: value})


@pytest.mark.parametrize(("kind", "name"), [(CollectiveVote, "steps"), (LocalSearchFlips, "rounds")])
def test_numbers_of_steps_are_at_least_one(kind: type, name: str) -> None:
    for value in (0, 1.5, "one", None):
        with pytest.raises(ValueError, match=f"^{kind.__name__}: {name} = .*; must be "):
            kind([1], **{name: value})


def test_the_representation_is_the_call() -> None:
    assert repr(CollectiveVote([4, 2], "all", steps=9)) == "CollectiveVote(budgets=[2, 4], counted='all', steps=9)"
    assert repr(LocalSearchFlips([3])) == "LocalSearchFlips(budgets=[3])"


ROW = CollectiveRow("together", 10, "right", 20, 16, 4, 0.6, 0.5, "ab", "mean", True, True, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bound": 3}, "certified = 0.6; must be"),
        ({"bound": 17, "certified": -0.05}, "bound = 17; must be within 0 .. 16"),
        ({"number": 21}, "number = 21 of 20 examples"),
        ({"counted": "wrong"}, "counted = wrong"),
        ({"pointwise": 0.7}, "certified = 0.6; must be at least 0.7"),
        ({"budget": 5}, "budget = 5 after 9; must ascend"),
        ({"bound": 1, "certified": 0.75}, "bound = 1 after 2"),
        ({"examples": 40, "certified": 0.3, "pointwise": 0.0}, "counts other answers"),
    ],
)
def test_a_row_that_contradicts_itself_or_another_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    before = replace(ROW, budget=9, bound=2, certified=0.7)
    path = tmp_path / "collective.csv"
    CollectiveTable([before, ROW]).write_csv(path)
    assert CollectiveTable.read_csv(path) == CollectiveTable([before, ROW])
    CollectiveTable([before, replace(ROW, **changes)]).write_csv(path)
    with pytest.raises(ValueError, match=f"line 3: {message}.*; the file is damaged"):
        CollectiveTable.read_csv(path)


def test_a_run_without_collective_certificates_has_an_empty_table(tmp_path: Path) -> None:
    assert CollectiveTable.read_csv(tmp_path / "collective.csv").rows == ()
