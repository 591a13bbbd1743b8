"""Certified accuracy as a chart of wandb."""

import re
from collections.abc import Mapping
from typing import Any

from reporting.figure import lines
from reporting.light_wandb import wandb
from smoothing.certificates.curves import Curve, common_distance
from smoothing.distance import Distance


def section(distance: Distance) -> str:
    """Return the part of a key that names a distance, such as ``certified_l0_flips``.

    Keys of one distance are the same in every run, so that wandb overlays the selected runs. Different distances never
    share a key, and thus no axis.
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", f"certified_{distance.norm}_{distance.unit}").strip("_")


def chart_key(distance: Distance) -> str:
    """Return the key of the chart and the figure of certified accuracy in one distance."""
    return f"{section(distance)}_accuracy"


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


def artifact_name(kind: str, name: str) -> str:
    """Return the name of an artifact, such as ``certificates-digits``. Versions of one name follow each other."""
    return re.sub(r"[^\w.-]+", "-", f"{kind}-{name}")[:128]
