"""Sampled certificates state whether rounding errors may make the radius too large."""

import pytest
import torch
from torch import nn

from smoothing.certifiers import ClopperPearson
from smoothing.measures import (
    Discrete,
    Gaussian,
    GaussianMixture,
    Quantised,
    Rounded,
    SharedSplitting,
    SmoothingMeasure,
    SparseDiscrete,
    Splitting,
)
from smoothing.votes import Ballots, NetworkVotes

FLOATING = [Gaussian(0.5), GaussianMixture([0.2, 0.5]), Splitting(0.75)]
ON_LEVELS = [
    Rounded(Gaussian(0.5)),
    Rounded(GaussianMixture([0.2, 0.5])),
    Quantised(Discrete("0.1", 256)),
    SharedSplitting(1.0),
]
WHOLE = [SparseDiscrete("0.1", "0.2")]


@pytest.mark.parametrize(
    ("measure", "sound"),
    [(m, False) for m in FLOATING] + [(m, True) for m in ON_LEVELS + WHOLE],
    ids=lambda value: type(value).__name__,
)
def test_float_noise_is_not_sound_and_noise_on_a_grid_is(measure: SmoothingMeasure, sound: bool) -> None:
    torch.manual_seed(0)
    votes = NetworkVotes(nn.Linear(4, 2), 2)
    ballots = Ballots(measure, votes, torch.tensor([[0.0, 1.0, 1.0, 0.0]]), torch.arange(1), 0)
    answer = ClopperPearson(n0=10, n=100).certify(ballots)
    assert answer.sound == sound
    assert answer.assumptions == (*votes.assumptions, *measure.assumptions)
    assert ("inputs are multiples of 1/255 within [0, 1]" in answer.assumptions) == (measure in ON_LEVELS)
