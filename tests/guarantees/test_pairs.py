"""Pairs of additions and deletions, each compared with the guarantee of its own loss."""

import numpy as np

from smoothing.guarantees import VoteBound
from smoothing.guarantees.pairs import certified_pairs
from smoothing.measures import SparseDiscrete


def test_a_pair_is_certified_by_its_own_loss() -> None:
    measure, fail = SparseDiscrete("0.01", "0.6"), np.log([0.4, 0.1, 0.01, 1e-6])
    table = certified_pairs(measure, VoteBound.one_sided(fail), 2, 3)
    assert table.shape == (4, 3, 4)
    assert table[:, 0, 0].all()
    for a, d in np.ndindex(3, 4):
        assert table[:, a, d].tolist() == (measure.pair_loss(a, d).margin(fail, fail) > 0).tolist()
    assert table.any((1, 2)).all()
    assert not table.all()
    undecided = certified_pairs(measure, VoteBound.one_sided(np.log([0.5])), 1, 1)
    assert not undecided.any()
