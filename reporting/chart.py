"""Certified accuracy as a chart of wandb."""

from collections.abc import Mapping
from typing import Any

import wandb

from reporting.figure import lines
from smoothing.certificates.curves import Curve, common_distance

CHART_KEY = "certified_accuracy"
"""Key of the chart. It is the same in every run, so that wandb overlays the selected runs."""


def chart(curves: Mapping[str, Curve]) -> Any:
    """Return a chart of wandb with one line per run and certifier.

    Args:
        curves: Curves by name of the run, all in the same distance.

    Raises:
        ValueError: If the distances differ.
    """
    distance = common_distance({run: curve.distance for run, curve in curves.items()})
    rows = [
        [float(radius), float(value), label]
        for label, (radii, accuracy) in lines(curves).items()
        for radius, value in zip(radii, accuracy, strict=True)
    ]
    return wandb.plot.line(
        wandb.Table(columns=["radius", "certified accuracy", "certifier"], data=rows),
        "radius",
        "certified accuracy",
        stroke="certifier",
        title=f"certified accuracy over {distance.norm} radius ({distance.unit})",
    )
