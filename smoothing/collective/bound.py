"""Bounds on the number of answers that one attacker can change."""

import numpy as np
from numpy.typing import NDArray

from smoothing.collective.examples import UNIT, Float, Whole


def bounds(
    values: Whole, multipliers: Whole, radius: Float, counted: NDArray[np.bool_], budgets: list[int]
) -> tuple[list[int], list[int]]:
    """Return ``B(r)`` for every budget, in whole numbers (THEORY.md 4.9).

    Every vector of multipliers gives a bound for every budget; the smallest one is returned. An answer is not counted
    if its own radius is at least the budget. Multipliers of 0 for all examples give the number of answers that remain,
    so that no bound is worse than that of the single certificates.

    Args:
        values: ``(vectors, values)`` what one change can add to ``sum_i l_i g_ij``, largest first: upper bounds in
            units of ``1 / UNIT``.
        multipliers: ``(vectors, m)`` in units of ``1 / UNIT``.
        radius: ``(m,)`` number of changes that each answer survives by itself.
        counted: ``(m,)`` which answers are counted.
        budgets: Budgets, at least 0.

    Returns:
        Bounds by budget, and the vector of multipliers that gives each: -1 for multipliers of 0.
    """
    found, by = [], []
    for budget in budgets:
        open_ = counted & (radius < budget)
        least, vector = int(open_.sum()), -1
        for number, (top, chosen) in enumerate(zip(values, multipliers, strict=True)):
            # Python integers, since the sums may exceed int64.
            total = int((UNIT - chosen[open_]).sum()) + sum(top[:budget].tolist())
            if total // UNIT < least:
                least, vector = total // UNIT, number
        found.append(least)
        by.append(vector)
    # The number of changed answers grows with the budget, so a bound for a larger budget holds for a smaller one.
    for place in np.argsort(budgets, kind="stable")[::-1].tolist():
        better = [
            other for other, budget in enumerate(budgets) if budget >= budgets[place] and found[other] < found[place]
        ]
        if better:
            other = min(better, key=found.__getitem__)
            found[place], by[place] = found[other], by[other]
    return found, by
