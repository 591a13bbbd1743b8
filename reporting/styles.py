"""Colours and line styles of figures, the same in images and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from smoothing.certificates.curves import Curve

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1")
"""Colours of Okabe and Ito, which colour-blind readers can distinguish. Purple replaces black, for dark pages."""

DASHES = {"-": "solid", ":": "dot", "-.": "dashdot"}
"""Line styles of certificates in matplotlib, and their names in plotly."""

ATTACK_DASH = "--"
"""Line style of attacks in matplotlib."""

Dash = str | tuple[int, tuple[int, ...]]
"""Line style in matplotlib."""

COLLECTIVE_DASH = (0, (7, 1, 1, 1, 1, 1))
"""Line style of collective certificates in matplotlib: dash, dot, dot."""

MARKERS = {"": "", "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "X": "x"}
"""Markers in matplotlib and their names in plotly. The first one is no marker."""


@dataclass(frozen=True)
class LineStyle:
    """Style of the line of one run and certifier.

    Attributes:
        colour: Colour, as ``#rrggbb``.
        dash: Line style, as in matplotlib.
        web: Name of the line style in plotly.
        marker: Marker, as in matplotlib; empty without markers.
        width: Width in points. Earlier lines are wider, so that they are visible behind equal lines.
        attack: Whether the line belongs to an attack.
    """

    colour: str
    dash: Dash
    web: str
    marker: str
    width: float
    attack: bool


def line_styles(curves: Mapping[str, Curve]) -> dict[tuple[str, str], LineStyle]:
    """Return a style for every run and certifier.

    A certifier has one colour in all runs, and a run has one line style and marker. If all lines have the same
    certifier, colours distinguish the runs instead. The styles of attacks and of collective certificates differ from
    all others.

    Args:
        curves: Curves by name of the run.
    """
    keys = [(run, certifier) for run, curve in curves.items() for certifier in curve.accuracy]
    certifiers = list(dict.fromkeys(certifier for _, certifier in keys))
    by_run = len(certifiers) == 1 and len(curves) > 1
    colours = _colours(list(curves) if by_run else certifiers, hashed=not by_run)
    places = {run: place for place, run in enumerate(curves)}
    dashes, markers = list(DASHES), list(MARKERS)
    styles = {}
    for place, (run, certifier) in enumerate(keys):
        attack = certifier in curves[run].attacks
        # Colours repeat after the last one; the dashes then change.
        number = places[run] // len(COLOURS) if by_run else places[run]
        together = certifier in curves[run].collective
        own = dashes[number % len(dashes)]
        dash: Dash = ATTACK_DASH if attack else COLLECTIVE_DASH if together else own
        web = "dash" if attack else "longdashdot" if together else DASHES[own]
        turn = number if attack or together else number // len(dashes)
        styles[run, certifier] = LineStyle(
            colours[run if by_run else certifier],
            dash,
            web,
            markers[turn % len(markers)],
            1.4 + 2.0 * (len(keys) - 1 - place) / len(keys),
            attack,
        )
    return styles


def _colours(names: list[str], hashed: bool) -> dict[str, str]:
    """Return a colour for every name: the same one in all figures, if no other name of the figure has it."""
    chosen: dict[str, str] = {}
    for place, name in enumerate(names):
        start = crc32(name.encode()) if hashed else place
        order = [COLOURS[(start + step) % len(COLOURS)] for step in range(len(COLOURS))]
        chosen[name] = next((colour for colour in order if colour not in chosen.values()), order[0])
    return chosen
