"""Interactive charts as specifications of plotly."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

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
    made, drawn = go.Figure(), lines(curves)
    if envelope:
        best = upper_envelope(list(curves.values()))
        made.add_scatter(
            x=best.radii,
            y=best.accuracy[ENVELOPE],
            name=ENVELOPE,
            mode="lines",
            line={"shape": "vh", "color": "#bbbbbb", "width": 7},
        )
    for (run, certifier), style in line_styles(curves).items():
        name = label(run, certifier, curves)
        radii, accuracy = drawn[name]
        marked = style.marker or len(radii) == 1
        made.add_scatter(
            x=radii,
            y=accuracy,
            name=escape(name),
            mode="lines+markers" if marked else "lines",
            marker={"symbol": MARKERS[style.marker] or "circle", "size": 7, "maxdisplayed": 12},
            line={
                "shape": "hv" if style.attack else "vh",
                "color": style.colour,
                "dash": style.web,
                "width": style.width,
            },
            hovertemplate="%{y:.1%}",
        )
    made.update_xaxes(title=escape(f"{distance.norm} radius ({distance.unit})"), rangemode="tozero", hoverformat=".4~g")
    if logarithmic:
        made.update_xaxes(type="log")
    made.update_yaxes(title="certified accuracy", tickformat=".0%", range=[0, 1.02])
    made.update_layout(hovermode="x unified", showlegend=True)
    return _specification(made)


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
    made = go.Figure()
    styles = line_styles({name: run.curve() for name, run in runs.items()})
    edges = np.linspace(0, 1, BINS + 1)
    for (name, certifier), values in shares.items():
        counts, _ = np.histogram(values, edges)
        style = styles[name, certifier]
        made.add_scatter(
            x=edges,
            y=np.append(counts, counts[-1]),
            name=escape(certifier if len(tables) == 1 else f"{name}: {certifier}"),
            mode="lines",
            fill="tozeroy" if len(shares) == 1 else "none",
            line={"shape": "hv", "color": style.colour, "dash": style.web, "width": 1.8},
            hovertemplate="%{y} examples",
        )
    made.update_xaxes(title="vote share of the predicted class", range=[0, 1], hoverformat=".3f")
    made.update_yaxes(title="number of examples", rangemode="tozero")
    made.update_layout(hovermode="x unified", showlegend=True)
    return _specification(made)


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


def _specification(made: go.Figure) -> Chart:
    made.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        modebar={"orientation": "v", "bgcolor": "rgba(0,0,0,0)"},
        font={"family": "system-ui, DejaVu Sans, sans-serif"},
        margin={"l": 64, "r": 32, "t": 16, "b": 56},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    specification: Chart = json.loads(made.to_json())
    return specification
