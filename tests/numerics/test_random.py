"""Generators are a function of their key."""

from itertools import product

import pytest
import torch

from smoothing.numerics.random import generator


def first(key: tuple[int, ...]) -> float:
    return float(torch.rand((), generator=generator(key), dtype=torch.float64))


def test_equal_keys_give_equal_streams() -> None:
    torch.manual_seed(3)
    assert first((4, 0, 7)) == first((4, 0, 7))


def test_no_two_keys_share_a_stream() -> None:
    numbers = (0, 1, 2**32 - 1, 2**32, 2**63)
    keys = [key for length in range(4) for key in product(numbers, repeat=length)]
    assert len({first(key) for key in keys}) == len(keys)


@pytest.mark.parametrize("bad", [-1, 2**64])
def test_numbers_that_do_not_fit_are_refused(bad: int) -> None:
    with pytest.raises(OverflowError):
        generator((bad,))
