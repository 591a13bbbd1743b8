"""Interactive charts as specifications of plotly."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reporting.comparison import Comparable, tabled
from reporting.figure import label, lines
from reporting.styles import MARKERS, line_styles
from smoothing.certificates.curves import ENVELOPE, Curve, common_distance, is_attack, upper_envelope
from smoothing.certificates.table import Table
from smoothing.numerics.rounding import Float

BINS = 40
"""Number of bins of vote shares."""

Chart = dict[str, Any]
"""Specification of a chart: ``data`` and ``layout`` of plotly."""


def curve_chart(curves: Mapping[str, Curve], envelope: bool = False, logarithmic: bool = False) -> Chart:
    """Return a chart with one line per run and certifier; see `figure`.

    Args:
        curves: Curves by name of the run, all in the same distance.
        envelope: Whether to draw the upper envelope.
        logarithmic: Whether the radius axis is logarithmic.
    """
    distance = common_distance({run: curve.distance for run, curve in curves.items()})
    drawn, data = lines(curves), []
    if envelope:
        best = upper_envelope(list(curves.values()))
        data.append(
            {
                **_line(best.radii, best.accuracy[ENVELOPE], ENVELOPE),
                "mode": "lines",
                "line": {"shape": "vh", "color": "#bbbbbb", "width": 7},
            }
        )
    for (run, certifier), style in line_styles(curves).items():
        name = label(run, certifier, curves)
        radii, accuracy = drawn[name]
        marked = style.marker or len(radii) == 1
        shape = {"shape": "hv" if style.attack else "vh", "color": style.colour}
        data.append(
            {
                **_line(radii, accuracy, escape(name)),
                "mode": "lines+markers" if marked else "lines",
                "marker": {"symbol": MARKERS[style.marker] or "circle", "size": 7, "maxdisplayed": 12},
                "line": {**shape, "dash": style.web, "width": style.width},
                "hovertemplate": "%{y:.1%}",
            }
        )
    radius = {
        **_axis(escape(f"{distance.norm} radius ({distance.unit})")),
        "rangemode": "tozero",
        "hoverformat": ".4~g",
        **({"type": "log"} if logarithmic else {}),
    }
    return _specification(data, radius, {**_axis("certified accuracy"), "tickformat": ".0%", "range": [0, 1.02]})


def share_chart(runs: Mapping[str, Comparable]) -> Chart | None:
    """Return a histogram of vote shares with one line per run and certifier; None if no vote share is known.

    Args:
        runs: Runs by name.
    """
    tables = {name: run.table for name, run in tabled(runs).items()}
    shares = {
        (name, certifier): found
        for name, table in tables.items()
        for certifier in table.certifiers
        if len(found := vote_shares(table.of(certifier)))
    }
    if not shares:
        return None
    styles = line_styles({name: run.curve() for name, run in runs.items()})
    edges, data = np.linspace(0, 1, BINS + 1), []
    for (name, certifier), values in shares.items():
        counts, _ = np.histogram(values, edges)
        style = styles[name, certifier]
        shown = escape(certifier if len(tables) == 1 else f"{name}: {certifier}")
        data.append(
            {
                **_line(edges, np.append(counts, counts[-1]), shown),
                "mode": "lines",
                "fill": "tozeroy" if len(shares) == 1 else "none",
                "line": {"shape": "hv", "color": style.colour, "dash": style.web, "width": 1.8},
                "hovertemplate": "%{y} examples",
            }
        )
    share = {**_axis("vote share of the predicted class"), "range": [0, 1], "hoverformat": ".3f"}
    return _specification(data, share, {**_axis("number of examples"), "rangemode": "tozero"})


def vote_shares(part: Table) -> Float:
    """Return known vote shares of the predicted class for one certifier, without abstentions.

    For sampled votes this is ``n_a / n``, otherwise the lower bound ``1 - exp(log_fail)``. An attack has none.
    """
    if is_attack(part):
        return np.empty(0)
    counted = np.ma.filled(part["n_a"] / np.ma.masked_equal(part["n"], 0), np.nan)
    bounded = np.ma.filled(-np.expm1(part["log_fail"]), np.nan)
    share = np.where(np.isnan(counted), bounded, counted).astype(np.float64)
    known: Float = share[(part["prediction"] >= 0) & ~np.isnan(share)]
    return np.clip(known, 0, 1)


def _line(x: ArrayLike, y: ArrayLike, name: str) -> Chart:
    """Return a line of plotly. The package itself takes longer to import than the page to write."""
    return {"type": "scatter", "x": _array(x), "y": _array(y), "name": name}


def _array(values: ArrayLike) -> dict[str, str]:
    """Return numbers in the binary form of plotly."""
    return {"dtype": "f8", "bdata": b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()}


def _axis(title: str) -> Chart:
    return {"title": {"text": title}}


def _specification(data: Sequence[Chart], xaxis: Chart, yaxis: Chart) -> Chart:
    return {
        "data": list(data),
        "layout": {
            "xaxis": xaxis,
            "yaxis": yaxis,
            "hovermode": "x unified",
            "showlegend": True,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)"},
            "font": {"family": "system-ui, DejaVu Sans, sans-serif"},
            "margin": {"l": 64, "r": 32, "t": 16, "b": 56},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        },
    }
