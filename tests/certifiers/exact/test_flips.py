"""The pruned search for the fewest flips against the comparison with every rival."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smoothing.certifiers.exact import flips
from smoothing.certifiers.exact.flips import fewest_flips, flips_against
from smoothing.measures import LabelFlip
from smoothing.measures.measure import Channel
from smoothing.votes.labels.linear import Scores
from tests.certifiers.test_many_classes import lopsided


def channel_of(num_classes: int, uniform: bool, seed: int) -> Channel:
    channel = LabelFlip("0.1", num_classes).channel if uniform else lopsided(num_classes, seed)
    assert channel is not None
    return channel


def assert_same(scores: Scores, channel: Channel) -> None:
    winner, against = flips_against(scores, channel)
    pruned_winner, fewest = fewest_flips(scores, channel)
    assert pruned_winner.tolist() == winner.tolist()
    assert fewest.tolist() == against.min(1).tolist()


@settings(max_examples=300, deadline=None)
@given(
    num_classes=st.integers(2, 6),
    n=st.integers(1, 60),
    spread=st.sampled_from([1, 2, 5, 1000, 2**38]),
    offset=st.sampled_from([0, 3, 1000, 2**40]),
    zeros=st.floats(0, 1),
    uniform=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_small_problems(
    num_classes: int, n: int, spread: int, offset: int, zeros: float, uniform: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-spread, spread, (4, n), endpoint=True) * (rng.random((4, n)) >= zeros)
    scores = Scores(
        torch.from_numpy(weights.astype(float)),
        torch.from_numpy(rng.integers(-offset, offset, (4, num_classes), endpoint=True).astype(float)),
        torch.from_numpy(rng.integers(num_classes, size=n)),
    )
    assert_same(scores, channel_of(num_classes, uniform, seed))


@pytest.mark.parametrize("num_classes", [2, 3, 10, 60])
@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("kind", ["normal", "heavy", "equal", "few", "sorted"])
def test_problems_larger_than_a_sample(num_classes: int, uniform: bool, kind: str) -> None:
    rng = np.random.default_rng(num_classes)
    n = 3 * flips.SAMPLE + 5
    weights = {
        "normal": rng.standard_normal((3, n)) * 2**25,
        "heavy": rng.standard_cauchy((3, n)).clip(-1e6, 1e6) * 1000,
        "equal": np.ones((3, n)),
        "few": (rng.random((3, n)) < 0.01) * 7.0,
        "sorted": np.sort(rng.standard_normal((3, n)), axis=1) * 2**20,
    }[kind]
    labels = rng.integers(num_classes, size=n)
    # The winner leads by a moderate margin, so that few, some or all labels must change.
    lead = np.outer([0.01, 0.1, 0.9], np.eye(num_classes)[0]) * np.abs(weights).sum(1, keepdims=True)
    scores = Scores(torch.from_numpy(weights.round()), torch.from_numpy(lead.round()), torch.from_numpy(labels))
    assert_same(scores, channel_of(num_classes, uniform, num_classes))


@settings(max_examples=200, deadline=None)
@given(n=st.integers(1, 5000), count=st.integers(0, 5000), seed=st.integers(0, 2**32 - 1))
def test_the_bound_on_the_largest_weights_is_never_below_their_sum(n: int, count: int, seed: int) -> None:
    w = np.random.default_rng(seed).integers(-(2**20), 2**20, n).astype(float)
    count = min(count, n)
    assert flips._largest_sum(np.abs(w), count) >= np.sort(np.abs(w))[n - count :].sum()
