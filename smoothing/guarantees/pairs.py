"""Certificates for pairs of additions and deletions."""

import numpy as np
from numpy.typing import NDArray

from smoothing.guarantees.guarantee import VoteBound
from smoothing.measures.sparse_discrete import SparseDiscrete


def certified_pairs(measure: SparseDiscrete, bound: VoteBound, additions: int, deletions: int) -> NDArray[np.bool_]:
    """Return which pairs of additions and deletions are certified (Bojchevski et al. 2020; THEORY.md section 2).

    Args:
        measure: Smoothing measure.
        bound: Bounds on the votes, ``(batch,)`` each.
        additions: Largest number of additions, at least 0.
        deletions: Largest number of deletions, at least 0.

    Returns:
        ``(batch, additions + 1, deletions + 1)`` booleans. If a pair is certified, all smaller pairs are certified.
    """
    table = np.zeros((len(bound.log_fail), additions + 1, deletions + 1), bool)
    for a, d in np.ndindex(table.shape[1:]):
        table[:, a, d] = measure.pair_loss(a, d).margin(bound.log_fail, bound.log_rival) > 0
    return table
