"""Generators are a function of their key."""

from itertools import product

import pytest
import torch
from scipy.stats import binomtest

from smoothing.numerics.random import generator, uniform_integers


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


def test_integers_are_uniform_where_remainders_of_32_bits_are_not() -> None:
    limit, draws = 3 * 2**26, 200_000
    drawn = uniform_integers(limit, (draws,), generator((1,)))
    assert 0 <= int(drawn.min()) <= int(drawn.max()) < limit
    third = int((drawn < limit // 3).sum())
    # The remainder of 32 bits is in the lowest third with probability .34375.
    assert binomtest(third, draws, 1 / 3).pvalue > 1e-6


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 2**62 + 1, 2**63 - 1])
def test_integers_stay_below_their_limit(limit: int) -> None:
    drawn = uniform_integers(limit, (50, 4), generator((2, limit % 1000)))
    assert drawn.shape == (50, 4)
    assert drawn.dtype == torch.int64
    assert ((drawn >= 0) & (drawn <= limit - 1)).all()
    assert limit == 1 or len(drawn.unique()) > 1


def test_integers_that_are_beyond_the_last_multiple_are_drawn_again() -> None:
    """Of 63 bits a quarter is above 3 * 2^61, which no draw may keep."""
    limit = 3 * 2**61
    drawn = uniform_integers(limit, (4000,), generator((3,)))
    first = torch.empty(4000, dtype=torch.int64).random_(generator=generator((3,)))
    assert (first >= limit).any()
    assert torch.equal(drawn[first < limit], first[first < limit])
    assert binomtest(int((drawn < 2**61).sum()), 4000, 1 / 3).pvalue > 1e-6
