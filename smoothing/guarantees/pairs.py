"""Radii that are pairs: additions and deletions."""

import numpy as np
from numpy.typing import NDArray

from smoothing.guarantees.guarantee import VoteBound
from smoothing.measures.sparse_discrete import SparseDiscrete


def certified_pairs(measure: SparseDiscrete, bound: VoteBound, additions: int, deletions: int) -> NDArray[np.bool_]:
    """Which mixes of additions and deletions leave the winner ahead (Bojchevski et al. 2020; THEORY.md section 2).

    Args:
        measure: The smoothing measure.
        bound: Bounds on the votes, ``(batch,)`` each.
        additions: Most additions asked for, at least 0.
        deletions: Most deletions asked for, at least 0.

    Returns:
        ``(batch, additions + 1, deletions + 1)`` booleans. Every smaller pair of a certified one is certified.
    """
    table = np.zeros((len(bound.log_fail), additions + 1, deletions + 1), bool)
    for a, d in np.ndindex(table.shape[1:]):
        table[:, a, d] = measure.pair_loss(a, d).margin(bound.log_fail, bound.log_rival) > 0
    return table
