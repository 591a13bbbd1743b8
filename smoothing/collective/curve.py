"""Collective certificates in curves of certified accuracy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from smoothing.certificates.curves import MAX_RADII, Curve, certified_curve
from smoothing.certificates.table import Table
from smoothing.collective.table import CollectiveTable


def with_collective(
    curve: Curve, table: Table, collective: CollectiveTable, radii: Sequence[float] | None = None
) -> Curve:
    """Return a curve with collective certificates added. Without any, the curve is returned as it is.

    Only collective certificates that count right answers are added. Between two budgets they have the value of the
    larger one, which holds for smaller budgets too. Beyond the largest budget they are NaN. Collective attacks have the
    value of the smaller budget, which holds for larger ones too.

    Args:
        curve: Certified accuracy of a run.
        table: Its certificates.
        collective: Its collective certificates.
        radii: Radii that the curve was requested at. By default budgets are added to the radii of the curve.
    """
    budgets = collective.budgets
    if not budgets:
        return curve
    if radii is None:
        room = max(2, MAX_RADII - len(budgets))
        kept = np.unique(np.linspace(0, len(curve.radii) - 1, min(room, len(curve.radii))).round().astype(int))
        at = np.union1d(curve.radii[kept], budgets)
        # With more budgets than radii of a curve, some are left out.
        at = at[np.unique(np.linspace(0, len(at) - 1, min(MAX_RADII, len(at))).round().astype(int))]
        curve = certified_curve(table, curve.distance, at.tolist())
    added = collective.accuracy(curve.radii)
    attacks = curve.attacks | (collective.attacks & frozenset(added))
    return replace(curve, accuracy={**curve.accuracy, **added}, attacks=attacks, collective=frozenset(added))
