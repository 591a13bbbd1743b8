"""Figures of certified accuracy by radius."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reporting.styles import line_styles
from smoothing.certificates.curves import ENVELOPE, Curve, common_distance, upper_envelope
from smoothing.numerics.rounding import Float

LINES_BESIDE_A_LEGEND = 8
"""Largest number of lines with a legend inside the axes. With more lines the legend is outside."""

LINES_WITH_A_LEGEND = 50
"""Largest number of lines with a legend. A longer legend would be higher than the figure."""


def figure(curves: Mapping[str, Curve], envelope: bool = False, logarithmic: bool = False, title: str = "") -> Figure:
    """Draw one line per run and certifier. Lines of attacks, which are upper bounds, are dashed.

    Colours and styles are those of `line_styles`. Lines of collective certificates have dashes and dots.

    Between two points a line has the lower value. Certified accuracy decreases with the radius, so that no line is
    above the true value. Lines of attacks have the upper value, so that they are never below the true value.

    Args:
        curves: Curves by name of the run, all in the same distance.
        envelope: Whether to draw the upper envelope behind the lines. All curves must then have the same radii.
        logarithmic: Whether the radius axis is logarithmic. It then omits radius 0.
        title: Title; see `run_title`.

    Raises:
        ValueError: If distances differ, or if an envelope is requested and radii differ.
    """
    distance = common_distance({run: curve.distance for run, curve in curves.items()})
    made = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = made.add_subplot()
    if envelope:
        best = upper_envelope(list(curves.values()))
        axes.step(best.radii, best.accuracy[ENVELOPE], where="pre", color="0.8", linewidth=6, label=ENVELOPE)
    drawn = lines(curves)
    for (run, certifier), style in line_styles(curves).items():
        name = label(run, certifier, curves)
        radii, accuracy = drawn[name]
        axes.step(
            radii,
            accuracy,
            where="post" if style.attack else "pre",
            color=style.colour,
            linestyle=style.dash,
            marker=style.marker,
            markevery=max(1, len(radii) // 12),
            markersize=4,
            linewidth=style.width,
            label=name,
        )
    axes.set_xlim(0, max(float(curve.radii[-1]) for curve in curves.values()) or 1)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(min(float(radius) for curve in curves.values() for radius in curve.radii if radius > 0))
    axes.set_ylim(0, 1.02)
    # Dollar signs would begin a formula.
    axes.set_title(title.replace("$", r"\$"), fontsize="medium", wrap=True)
    axes.set_xlabel(f"{distance.norm} radius ({distance.unit})")
    axes.set_ylabel("certified accuracy")
    if not logarithmic:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=distance.integer))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if len(drawn) > LINES_WITH_A_LEGEND:
        return made
    if len(drawn) > LINES_BESIDE_A_LEGEND:
        made.set_size_inches(9.6, 4.0)
        made.legend(loc="outside right center", frameon=False, fontsize="small")
    else:
        axes.legend(loc="best", frameon=False, fontsize="small")
    return made


def draw(
    curves: Mapping[str, Curve],
    *paths: str | Path,
    envelope: bool = False,
    logarithmic: bool = False,
    title: str = "",
) -> Figure:
    """Draw certified accuracy to files. The suffix selects the format: PNG, SVG or PDF.

    Args:
        curves: As for `figure`.
        paths: Files to write.
        envelope: As for `figure`.
        logarithmic: As for `figure`.
        title: As for `figure`.

    Returns:
        The figure.

    Raises:
        ValueError: As `figure` does.
    """
    made = figure(curves, envelope, logarithmic, title)
    for path in paths:
        made.savefig(path, dpi=200)
    return made


def lines(curves: Mapping[str, Curve]) -> dict[str, tuple[Float, Float]]:
    """Return the known radii and certified accuracies of every run and certifier, by a unique label.

    Args:
        curves: Curves by name of the run.
    """
    return {
        label(run, certifier, curves): (curve.radii[known], accuracy[known])
        for run, curve in curves.items()
        for certifier, accuracy in curve.accuracy.items()
        for known in [~np.isnan(accuracy)]
    }


def label(run: str, certifier: str, curves: Mapping[str, Curve]) -> str:
    """Return the label of one line. It is unique among the lines of some curves."""
    title = curves[run].title(certifier)
    if len(curves) == 1:
        return title
    return run + title.removeprefix(certifier) if len(curves[run].accuracy) == 1 else f"{run}: {title}"
