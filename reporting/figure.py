"""Certified accuracy drawn over the radius."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from smoothing.certificates.curves import ENVELOPE, Curve, common_distance, upper_envelope
from smoothing.numerics.rounding import Float

# Okabe and Ito's colours, which colour-blind readers can tell apart; line styles change once they are used up.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_STYLES = [(colour, style) for style in ("-", ":", "-.") for colour in _COLOURS]
_ATTACK_STYLE = "--"

LINES_BESIDE_A_LEGEND = 8
"""Most lines that leave room for a legend among them; of more it stands outside."""


def figure(curves: Mapping[str, Curve], envelope: bool = False, logarithmic: bool = False) -> Figure:
    """Draw one line per run and certifier; those of attacks, which are upper bounds, are dashed.

    Between two points a line takes the lower value, the one that the curve promises there: certified accuracy falls
    with the radius, so no line ever lies above the truth. Those of attacks take the upper value, not to lie below.

    Args:
        curves: Curves by name of their run, all in the same distance.
        envelope: Whether to draw the best of them at every radius behind them; they must stand at the same radii.
        logarithmic: Whether radii are on a logarithmic scale, which radius 0 is not on.

    Raises:
        ValueError: If the distances differ, or the radii of an envelope.
    """
    distance = common_distance({run: curve.distance for run, curve in curves.items()})
    made = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = made.add_subplot()
    if envelope:
        best = upper_envelope(list(curves.values()))
        axes.step(best.radii, best.accuracy[ENVELOPE], where="pre", color="0.8", linewidth=6, label=ENVELOPE)
    drawn = lines(curves)
    attacks = {_label(run, name, curves) for run, curve in curves.items() for name in curve.attacks}
    # The last line drawn lies on top, so that the first ones, drawn wider, show behind equal ones.
    for place, ((label, (radii, accuracy)), (colour, style)) in enumerate(
        zip(drawn.items(), cycle(_STYLES), strict=False)
    ):
        axes.step(
            radii,
            accuracy,
            where="post" if label in attacks else "pre",
            color=colour,
            linestyle=_ATTACK_STYLE if label in attacks else style,
            linewidth=1.4 + 0.9 * (len(drawn) - 1 - place) / len(drawn),
            label=label,
        )
    axes.set_xlim(0, max(float(curve.radii[-1]) for curve in curves.values()) or 1)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(min(float(radius) for curve in curves.values() for radius in curve.radii if radius > 0))
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"{distance.norm} radius ({distance.unit})")
    axes.set_ylabel("certified accuracy")
    if not logarithmic:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=distance.integer))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if len(drawn) > LINES_BESIDE_A_LEGEND:
        made.set_size_inches(9.6, 4.0)
        made.legend(loc="outside right center", frameon=False, fontsize="small")
    else:
        axes.legend(loc="best", frameon=False, fontsize="small")
    return made


def draw(curves: Mapping[str, Curve], *paths: str | Path, envelope: bool = False, logarithmic: bool = False) -> Figure:
    """Draw certified accuracy to files, PNG, SVG or PDF by their endings.

    Args:
        curves: As for `figure`.
        paths: The files to write.
        envelope: As for `figure`.
        logarithmic: As for `figure`.

    Returns:
        The figure.

    Raises:
        ValueError: As `figure` does.
    """
    made = figure(curves, envelope, logarithmic)
    for path in paths:
        made.savefig(path, dpi=200)
    return made


def lines(curves: Mapping[str, Curve]) -> dict[str, tuple[Float, Float]]:
    """Radii and certified accuracy of every run and certifier, where it is known, by a name that tells them apart.

    Args:
        curves: Curves by name of their run.
    """
    return {
        _label(run, certifier, curves): (curve.radii[known], accuracy[known])
        for run, curve in curves.items()
        for certifier, accuracy in curve.accuracy.items()
        for known in [~np.isnan(accuracy)]
    }


def _label(run: str, certifier: str, curves: Mapping[str, Curve]) -> str:
    title = curves[run].title(certifier)
    if len(curves) == 1:
        return title
    return run + title.removeprefix(certifier) if len(curves[run].accuracy) == 1 else f"{run}: {title}"
