"""Certificates of a whole training set, converted to changes of single inputs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.curves import MAX_RADII, Curve, certified_curve
from smoothing.certificates.table import Table
from smoothing.distance import Distance
from smoothing.numerics.rounding import WIDE, down

SHARES = (0.001, 0.01, 0.1, 1.0)
"""Fractions of the inputs that may change, in addition to a single input."""


def changed_inputs(inputs: int) -> list[int]:
    """Return the numbers of changed inputs to report: one, 0.1 %, 1 %, 10 % and 100 % of all inputs.

    Args:
        inputs: Number of inputs, at least 1.

    Raises:
        ValueError: If ``inputs`` is below 1.
    """
    if inputs < 1:
        raise ValueError(f"changed inputs: inputs = {inputs}; must be at least 1")
    return sorted({1, *(max(1, round(share * inputs)) for share in SHARES)})


def per_input(table: Table, distance: Distance, counts: Sequence[int]) -> tuple[Table, Distance]:
    """Convert radii of the whole training set to radii of each changed input (THEORY.md section 6).

    A radius R in l2 over all inputs holds as long as only ``r`` inputs change, each by less than ``R / sqrt(r)``. In l1
    each may change by less than ``R / r``.

    Args:
        table: Certificates for changes of all inputs together.
        distance: Their distance, l1 or l2.
        counts: Numbers of changed inputs, different and each at least 1.

    Returns:
        A table with one certifier for every certifier and count. Its radii bound the change of each changed input and
        are rounded down. And the distance of these radii.

    Raises:
        ValueError: If the distance has another norm, or a count is not as described.
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
    """Return whether `per_input` converts radii of a distance."""
    return distance.norm in _ROOTS and not distance.integer


def per_input_curve(table: Table, distance: Distance) -> Curve:
    """Compute certified accuracy by the change of each input, at radii on a logarithmic scale.

    Args:
        table: Table that `per_input` returned.
        distance: Distance that `per_input` returned.
    """
    positive = table["radius"][table["radius"] > 0]
    if not len(positive):
        return certified_curve(table, distance)
    ends = np.nextafter(positive.max(), np.inf), positive.min() / 2
    radii: NDArray[np.float64] = np.geomspace(*ends, MAX_RADII - 1)
    # A computed power may be one unit below the exact end.
    radii[0] = ends[0]
    return certified_curve(table, distance, [0.0, *radii])


_ROOTS: dict[str, Callable[[np.longdouble], np.longdouble]] = {"l1": lambda count: count, "l2": np.sqrt}


def _share(radius: float, distance: Distance, count: int) -> float:
    if not np.isfinite(radius):
        return radius
    if count == 1:
        return radius
    # Both operations round to nearest. If no type is wider than float64, their joint error may exceed one unit.
    share = down(WIDE(radius) / _ROOTS[distance.norm](WIDE(count)))
    return float(np.nextafter(np.nextafter(share, 0), 0))
