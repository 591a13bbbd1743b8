"""What a measure certifies at which vote, without any data."""

import numpy as np

from smoothing.guarantees import exact_thresholds, thresholds
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.rounding import step_up


def table(measure: SmoothingMeasure, max_radius: int, exact: bool = False) -> None:
    """Print the least vote that is certified at every whole radius.

    Tab-separated columns: ``radius``; ``log_p_fail``, the log of the votes that may be lost, rounded down; ``p_min``,
    the votes that must be won, rounded up.

    Args:
        measure: The smoothing measure; its radii must be whole numbers.
        max_radius: Last radius, at least 0.
        exact: Whether to compute in rationals, from numbers as typed, and to print p_min as a fraction.

    Raises:
        ValueError: If the measure has no such table, or max_radius is negative.
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
