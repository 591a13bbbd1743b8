"""Certificates of a whole training set, as changes of single inputs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.curves import MAX_RADII, Curve, certified_curve
from smoothing.certificates.table import Table
from smoothing.distance import Distance
from smoothing.numerics.rounding import WIDE, down

SHARES = (0.001, 0.01, 0.1, 1.0)
"""Parts of the inputs that may change, beside a single one."""


def changed_inputs(inputs: int) -> list[int]:
    """How many inputs may change: one, a tenth of a percent, one percent, ten percent, and all.

    Args:
        inputs: Number of inputs, at least 1.

    Raises:
        ValueError: If there is no input.
    """
    if inputs < 1:
        raise ValueError(f"changed inputs: inputs = {inputs}; must be at least 1")
    return sorted({1, *(max(1, round(share * inputs)) for share in SHARES)})


def per_input(table: Table, distance: Distance, counts: Sequence[int]) -> tuple[Table, Distance]:
    """How far each of a number of inputs may change, if these change and no other (THEORY.md section 6).

    A radius R in l2 over all inputs holds as long as ``r`` of them change by less than ``R / sqrt(r)`` each, in l1 by
    less than ``R / r``.

    Args:
        table: Certificates of changes of all inputs taken together.
        distance: Their distance, l1 or l2.
        counts: Numbers of inputs that change, each at least 1 and named once.

    Returns:
        The table with every certifier once for every count, in the place of radii the changes of each input, rounded
        down; and their distance.

    Raises:
        ValueError: If the distance is another one, or a count is not as described.
    """
    if not counts or len(set(counts)) < len(counts) or not all(count >= 1 for count in counts):
        raise ValueError(f"per input: counts = {list(counts)}; must be different whole numbers, at least 1")
    if not divisible(distance):
        raise ValueError(f"per input: {distance.norm} radii; must be l1 or l2")
    rows = [
        replace(row, certifier=f"{row.certifier}, {count} changed", radius=_share(row.radius, distance, count))
        for row in table
        for count in counts
    ]
    return Table(rows), replace(distance, unit=f"{distance.unit}, each changed input")


def divisible(distance: Distance) -> bool:
    """Whether a radius can be shared out among inputs."""
    return distance.norm in _ROOTS and not distance.integer


def per_input_curve(table: Table, distance: Distance) -> Curve:
    """Certified accuracy by the change of each input, at changes on a logarithmic scale.

    Args:
        table: What `per_input` returned.
        distance: Its distance.
    """
    positive = table["radius"][table["radius"] > 0]
    if not len(positive):
        return certified_curve(table, distance)
    ends = np.nextafter(positive.max(), np.inf), positive.min() / 2
    radii: NDArray[np.float64] = np.geomspace(*ends, MAX_RADII - 1)
    # As computed, a power may end a unit below its end.
    radii[0] = ends[0]
    return certified_curve(table, distance, [0.0, *radii])


_ROOTS: dict[str, Callable[[np.longdouble], np.longdouble]] = {"l1": lambda count: count, "l2": np.sqrt}


def _share(radius: float, distance: Distance, count: int) -> float:
    if not np.isfinite(radius):
        return radius
    if count == 1:
        return radius
    # Both operations round to nearest. Where nothing is wider than float64, together they may err by more than a unit.
    share = down(WIDE(radius) / _ROOTS[distance.norm](WIDE(count)))
    return float(np.nextafter(np.nextafter(share, 0), 0))
