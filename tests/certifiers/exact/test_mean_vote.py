"""The channel in whole and in real numbers."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from smoothing.certifiers.exact.mean_vote import mean_prediction, mean_scores, real_channel, rivals, whole_channel
from smoothing.measures import LabelFlip
from smoothing.votes.labels.linear import SCORE_BITS, Scores

CHANNELS: list[Any] = [
    LabelFlip("0.3", 7).channel,
    LabelFlip(0.1, 2).channel,
    np.random.default_rng(0).dirichlet(np.ones(5), 5),
    np.array([[Fraction(1, 3), Fraction(2, 3)], [Fraction(1, 7), Fraction(6, 7)]], dtype=object),
    np.eye(3),
]


@pytest.mark.parametrize("channel", CHANNELS)
def test_entries_are_converted_exactly(channel: Any) -> None:
    matrix, denominator = whole_channel(channel)
    for whole, entry in zip(matrix.flat, channel.flat, strict=True):
        assert type(whole) is int
        assert Fraction(whole, denominator) == Fraction(entry)
    np.testing.assert_array_equal(real_channel(channel), channel.astype(np.float64))


def test_equal_entries_are_converted_once() -> None:
    converted: list[object] = []

    class Counted(Fraction):
        def __float__(self) -> float:
            converted.append(self)
            return super().__float__()

    keep, change = Counted(4, 5), Counted(1, 10)
    channel = np.full((3, 3), change, dtype=object)
    np.fill_diagonal(channel, keep)
    assert real_channel(channel).tolist() == [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    assert len(converted) == 2


@pytest.mark.parametrize(
    "denominator", [3, 2 ** (62 - SCORE_BITS) - 1, 2 ** (62 - SCORE_BITS), 3 ** (62 - SCORE_BITS) - 1, 2**70]
)
def test_expected_scores_are_exact_whatever_the_denominator(denominator: int) -> None:
    change = Fraction(1, denominator)
    channel = np.array([[1 - change, change], [change, 1 - change]], dtype=object)
    largest = 2.0 ** (SCORE_BITS - 1)
    weights = torch.tensor([[largest, largest - 9.0], [1.0, largest], [2.0, 5.0]], dtype=torch.float64)
    offsets = torch.tensor([[-3.0, 4.0], [7.0, -2.0], [1.0, -2.0]], dtype=torch.float64)
    scores = Scores(weights, offsets, torch.tensor([0, 1]))
    expected = [
        [(1 - change) * int(a) + change * int(b) + int(c), change * int(a) + (1 - change) * int(b) + int(d)]
        for (a, b), (c, d) in zip(weights.tolist(), offsets.tolist(), strict=True)
    ]
    found = mean_scores(scores, whole_channel(channel))
    assert [[int(score) for score in row] for row in found] == [
        [score * denominator for score in row] for row in expected
    ]
    assert mean_prediction(scores, channel).tolist() == [int(b > a) for a, b in expected]


def test_rivals_are_the_other_classes() -> None:
    assert rivals(np.array([0, 2, 1]), 3).tolist() == [[1, 2], [0, 1], [0, 2]]
