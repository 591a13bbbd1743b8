"""Nearest neighbours are the first ones of a stable sort, also among equally near points."""

import pytest
import torch

from smoothing.votes import NearestNeighbours

POINTS = 40


@pytest.mark.parametrize("neighbours", [1, 3, 7, POINTS - 1, POINTS])
def test_the_first_of_equally_near_points_vote(neighbours: int) -> None:
    generator = torch.Generator().manual_seed(neighbours)
    x, inputs = (torch.randint(0, 3, (rows, 2), generator=generator).float() for rows in (POINTS, 9))
    votes = NearestNeighbours(neighbours)
    votes.fit(x, torch.arange(POINTS) % 2, 2)
    distance = (inputs[:, None] - x).square().sum(2)
    order = distance.argsort(dim=1, stable=True)[:, :neighbours]
    expected = torch.zeros(len(inputs), POINTS, dtype=torch.float64).scatter_(1, order, 1.0)
    assert torch.equal(votes.weights(inputs.double()), expected)
