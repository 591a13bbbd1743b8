"""The channel in whole and in real numbers."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from smoothing.certifiers.exact.mean_vote import real_channel, whole_channel
from smoothing.measures import LabelFlip

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
