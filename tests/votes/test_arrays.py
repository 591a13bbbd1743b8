"""Votes accept tensors, arrays and data frames of numbers, and refuse anything else with one clear message."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from smoothing.certifiers import ExactVote
from smoothing.measures import Gaussian, LabelFlip, SmoothingMeasure, Subsample, UnchangedLabels
from smoothing.votes import (
    Bagging,
    Ballots,
    Centroids,
    JointClusters,
    LogisticHead,
    NetworkVotes,
    Partitions,
    Ridge,
    Votes,
)
from smoothing.votes.arrays import as_tensor
from tests.finishing import Finishing
from tests.votes.retrained.test_retrained_votes import HERE, Sums

pandas = pytest.importorskip("pandas")

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 3
TESTS = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
INDEX = np.arange(4)

FITTED: dict[str, tuple[Callable[[], Votes], SmoothingMeasure]] = {
    "Ridge": (Ridge, LabelFlip("0.2", 3)),
    "JointClusters": (JointClusters, LabelFlip("0.2", 3)),
    "Bagging": (lambda: Bagging(Centroids()), Subsample(4)),
    "Partitions": (lambda: Partitions(Centroids(), 3), UnchangedLabels(3)),
    "LogisticHead": (LogisticHead, LabelFlip("0.2", 3)),
    "RetrainedVotes": (lambda: Finishing(Sums()), Gaussian(0.2)),
    "NetworkVotes": (lambda: NetworkVotes(torch.nn.Identity(), 3), Gaussian(0.2)),
}

FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda array: array,
    "read-only array": lambda array: np.broadcast_to(array, array.shape),
    "other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
    "not contiguous": lambda array: np.repeat(array, 2, 0)[::2],
    "data frame": lambda array: pandas.DataFrame(array) if array.ndim > 1 else pandas.Series(array),
    "list": lambda array: array.tolist(),
}


def counts(name: str, form: Callable[[np.ndarray], Any]) -> torch.Tensor:
    make, measure = FITTED[name]
    votes = make()
    votes.fit(form(X), form(LABELS), 3)
    if isinstance(votes, Finishing):
        votes.serve(HERE, form(TESTS), form(INDEX), {})
    direct = votes.counts(measure, form(TESTS), form(INDEX), 20, (0, 1))
    ballots = Ballots(measure, votes, form(TESTS), form(INDEX), 0)
    assert torch.equal(ballots.counts(20, 1), direct)
    return direct


@pytest.mark.parametrize("form", [form for form in FORMS if form != "list"])
@pytest.mark.parametrize("name", FITTED)
def test_arrays_and_tensors_give_the_same_votes(name: str, form: str) -> None:
    assert torch.equal(counts(name, FORMS[form]), counts(name, torch.tensor))


@pytest.mark.parametrize("name", FITTED)
def test_lists_are_converted_to_double_precision(name: str) -> None:
    assert torch.equal(
        counts(name, FORMS["list"]), counts(name, lambda array: torch.from_numpy(np.array(array.tolist())))
    )


BAD: list[tuple[Any, Any, Any, str]] = [
    (X, np.array(["cat", "dog", "cow"] * 4), 3, r"labels of the training set: ndarray of type <U3; must be whole numb"),
    (
        X,
        [*LABELS.tolist()[:11], "2"],
        3,
        r"labels of the training set: list of type <U21; must be whole numbers 0 \.\. 2",
    ),
    (X, LABELS + 0.5, 3, r"labels of the training set: a value is not a whole number; must be whole numbers 0 \.\. 2"),
    (X, np.where(LABELS > 1, np.nan, 0), 3, r"labels of the training set: a value is not a whole number"),
    (X, np.where(LABELS > 1, np.inf, 0), 3, r"labels of the training set: a value is not a whole number"),
    (X, LABELS[:, None], 3, r"labels of the training set: shape \[12, 1\]; must be one-dimensional"),
    (X, LABELS[1:], 3, r"training set: 12 feature rows and 11 labels; the counts must be equal"),
    (X[:, 0], LABELS, 3, r"features of the training set: shape \[12\]; must be \(n, ...\)"),
    (3.0, LABELS, 3, r"features of the training set: shape \[\]; must be \(n, ...\)"),
    (X.astype(str), LABELS, 3, r"features of the training set: ndarray of type <U32; must be numbers"),
    (X.astype(complex), LABELS, 3, r"features of the training set: ndarray of type complex128; must be numbers"),
    (torch.tensor(X) * 1j, LABELS, 3, r"features of the training set: Tensor of type complex64; must be numbers"),
    ([[1.0], [2.0, 3.0]], [0, 1], 2, r"features of the training set: list of uneven rows; must be numbers"),
    (None, LABELS, 3, r"features of the training set: NoneType of type object; must be numbers"),
    (
        pandas.DataFrame({"a": ["x"] * 12}),
        LABELS,
        3,
        r"features of the training set: DataFrame of type .*; must be ",
    ),
    (X, LABELS, "3", r"num_classes: '3'; must be a whole number"),
    (X, LABELS, 3.0, r"num_classes: 3.0; must be a whole number"),
]


@pytest.mark.parametrize("name", [name for name in FITTED if name != "NetworkVotes"])
@pytest.mark.parametrize(("x", "labels", "num_classes", "message"), BAD)
def test_invalid_training_sets_are_refused(name: str, x: Any, labels: Any, num_classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        FITTED[name][0]().fit(x, labels, num_classes)


BAD_BATCHES: list[tuple[Any, Any, str]] = [
    (TESTS, INDEX[:3], r"index: 3 positions for inputs of shape \[4, 3\]; must be one per input"),
    (TESTS, np.arange(5), r"index: 5 positions for inputs of shape \[4, 3\]; must be one per input"),
    (TESTS, INDEX - 1, "index: -1 found; must be at least 0"),
    (TESTS, INDEX + 0.5, "index: a value is not a whole number; must be whole numbers at least 0, one per input"),
    (TESTS, INDEX[:, None], r"index: shape \[4, 1\]; must be one-dimensional"),
    (TESTS, ["a", "b", "c", "d"], "index: list of type <U1; must be whole numbers at least 0, one per input"),
    (TESTS.astype(str), INDEX, "inputs to predict: ndarray of type <U32; must be numbers"),
]


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize(("x", "index", "message"), BAD_BATCHES)
def test_invalid_batches_are_refused(name: str, x: Any, index: Any, message: str) -> None:
    make, measure = FITTED[name]
    votes = make()
    votes.fit(X, LABELS, 3)
    with pytest.raises(ValueError, match=f"^{message}"):
        Ballots(measure, votes, x, index, 0)
    with pytest.raises(ValueError, match=f"^{message}"):
        votes.counts(measure, x, index, 10, (0, 1))
    if isinstance(votes, Finishing):
        with pytest.raises(ValueError, match=f"^{message}"):
            votes.serve(HERE, x, index, {})


@pytest.mark.parametrize("name", [name for name in FITTED if name not in ("NetworkVotes", "RetrainedVotes")])
def test_inputs_with_another_number_of_features_are_refused(name: str) -> None:
    make, measure = FITTED[name]
    votes = make()
    votes.fit(X, LABELS, 3)
    with pytest.raises(ValueError, match=r"^features of the inputs to predict: 2 per input; must be 3, as in"):
        votes.counts(measure, TESTS[:, :2], INDEX, 10, (0, 1))


def test_the_given_array_is_not_changed() -> None:
    x = X.copy()
    tensor = as_tensor("x", x)
    tensor += 1
    assert (x == X).all()


def test_certificates_are_computed_from_data_frames() -> None:
    votes = Ridge()
    votes.fit(pandas.DataFrame(X), pandas.Series(LABELS), 3)
    certificates = ExactVote().certify(Ballots(LabelFlip("0.2", 3), votes, pandas.DataFrame(TESTS), INDEX, 0))
    assert certificates.radius.shape == (4,)
