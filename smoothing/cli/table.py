"""The command ``table``: vote thresholds of a measure, without data."""

import numpy as np

from smoothing.guarantees import exact_thresholds, thresholds
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.rounding import step_up


def table(measure: SmoothingMeasure, max_radius: int, exact: bool = False) -> None:
    """Print the smallest vote that certifies each whole radius.

    The output has tab-separated columns: ``radius``; ``log_p_fail``, the log of the largest fraction of votes that the
    predicted class may lose, rounded down; ``p_min``, the smallest fraction of votes that it must win, rounded up.

    Args:
        measure: The smoothing measure. Its radii must be whole numbers.
        max_radius: Largest radius, at least 0.
        exact: Whether to compute in rationals, from the digits as typed, and to print p_min as a fraction.

    Raises:
        ValueError: If the measure has no such table, or ``max_radius`` is negative.
    """
    shape = (max(max_radius, 1),)
    log_p_fail = thresholds(measure, max_radius, shape)
    if exact:
        p_min = [str(1 - f) for f in exact_thresholds(measure, max_radius, shape)]
    else:
        p_min = [f"{p:.17g}" for p in np.minimum(step_up(-np.expm1(log_p_fail), 2), 1)]
    print("radius", "log_p_fail", "p_min", sep="\t")
    for radius, (log, p) in enumerate(zip(log_p_fail, p_min, strict=True)):
        print(radius, repr(float(log)), p, sep="\t")
