"""Search for multipliers that make a collective bound small."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from smoothing.collective.examples import UNIT, Float, Sketch, Whole

SMOOTHING = (0.5, 0.02)
"""Widths, first and last, of the interval of sums over which a multiplier falls from 1 to 0."""


def whole(multipliers: Float) -> Whole:
    """Return multipliers within [0, 1] in units of ``1 / UNIT``, rounded to nearest."""
    return np.asarray(np.rint(multipliers * UNIT), np.int64)


def best_multipliers(sketch: Sketch, active: Float, budget: float, scale: float, steps: int) -> Float:
    """Return multipliers for one budget, ``(m,)`` within [0, 1].

    The bound is convex in the multipliers. Its dual is the attack with fractions of changes that moves as many answers
    as possible: ``max sum_i min(1, sum of gains)``. Frank-Wolfe steps on this dual, with a smoothed minimum, give
    multipliers as slopes; the best ones found are returned.

    Args:
        sketch: Gains of all examples.
        active: 1 for examples that count and can be changed by the budget, else 0; ``(m,)``.
        budget: Number of changes, in places of the sketch.
        scale: Number of places that a place of the sketch stands for.
        steps: Number of steps.
    """
    best, least = active.copy(), np.inf
    sums = np.zeros(len(active))
    for step in range(steps):
        width = SMOOTHING[0] * (SMOOTHING[1] / SMOOTHING[0]) ** (step / max(1, steps - 1))
        multipliers = active * np.clip((1 + width / 2 - sums) / width, 0, 1)
        totals = sketch.totals(multipliers)
        target = totals.argmax(1)
        value = totals[np.arange(len(totals)), target]
        share = _top(value, budget)
        bound = (active - multipliers).sum() + scale * float(share @ value)
        if bound < least:
            best, least = multipliers, bound
        attack = np.zeros_like(totals)
        attack[np.arange(len(totals)), target] = share * (value > 0)
        sums += (scale * sketch.sums(attack) - sums) * (2 / (step + 2))
    return best


def _top(value: Float, budget: float) -> Float:
    """Return 1 for the largest values, as many as the budget, and its fraction for the next one; ``(places,)``."""
    share = np.zeros(len(value))
    whole_places = min(int(budget), len(value))
    order = np.argpartition(-value, min(whole_places, len(value) - 1))
    share[order[:whole_places]] = 1
    if whole_places < len(value):
        share[order[whole_places]] = budget - whole_places
    return share


def optimal_multipliers(gains: Float, active: Float, budget: int) -> Float:
    """Return the best multipliers for one budget by linear programming (HiGHS), for small problems; ``(m,)``.

    Minimises ``sum_i (1 - l_i) + r t + sum_j u_j`` subject to ``t + u_j >= sum_i l_i g_ij(c)``, which is the sum of the
    ``r`` largest totals.

    Args:
        gains: ``(m, places, targets)`` gains of all examples.
        active: As for `best_multipliers`.
        budget: Number of changes.
    """
    gains = gains * active[:, None, None]
    m, places, targets = gains.shape
    row = np.arange(places * targets) // targets
    # Variables: l (m), u (places), t.
    totals = gains.reshape(m, -1).T
    i, j = np.nonzero(totals)
    every = np.arange(places * targets)
    matrix = coo_matrix(
        (
            np.concatenate([totals[i, j], -np.ones(2 * len(every))]),
            (np.concatenate([i, every, every]), np.concatenate([j, m + row, np.full(len(every), m + places)])),
        )
    )
    cost = np.concatenate([-np.ones(m), np.ones(places), [budget]])
    bounds = [(0, float(one)) for one in active] + [(0, None)] * (places + 1)
    found = linprog(cost, A_ub=matrix.tocsr(), b_ub=np.zeros(places * targets), bounds=bounds, method="highs")
    if found.x is None:
        raise RuntimeError(f"linear program of {m} examples and {places} places: {found.message}")
    return np.asarray(np.clip(found.x[:m], 0, 1) * active)
