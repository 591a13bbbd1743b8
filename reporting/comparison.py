"""Tables of certificates side by side: a few numbers for every run and certifier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Protocol

import numpy as np
from matplotlib.ticker import MaxNLocator

from reporting.text_table import NOTHING, TextTable
from smoothing.certificates.cells import INTEGER, NUMBER, TEXT, ColumnType, optional
from smoothing.certificates.curves import (
    ENVELOPE,
    MAX_RADII,
    Curve,
    certified_curve,
    common_distance,
    summary,
    upper_envelope,
)
from smoothing.certificates.table import Table
from smoothing.distance import Distance

NOTES = (
    "Fractions are of all examples asked; an abstention is wrong.",
    "The average certified radius is a poor metric: it rewards large radii on easy examples and hides what is lost on "
    "hard ones.",
)
"""What a reader must know about the numbers."""

ATTACKS = "What is said of an attacked classifier certifies nothing: it is an upper bound on what can be certified."

OTHER_EXAMPLES = "The runs were asked different examples."

ENVELOPE_NOTE = (
    "The upper envelope takes the best run at every radius. No single classifier reaches it, and a run that is chosen "
    "by it is chosen on the examples reported."
)


class Comparable(Protocol):
    """What can be compared: certified accuracy by radius, and what more is known."""

    @property
    def distance(self) -> Distance:
        """The distance of its radii."""

    @property
    def requested(self) -> tuple[bytes, str | None] | None:
        """Indices and labels of the requested examples, and their hash where it is known; None if neither is."""

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """Certified accuracy, NaN where it is not known."""

    def numbers(self) -> dict[str, dict[str, Any]]:
        """What is known of every certifier, by column."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        table: Its certificates.
        distance: The distance of their radii.
        examples: Hash of the requested examples; None where it is not known, as in logs.
    """

    table: Table
    distance: Distance
    examples: str | None = None

    @property
    def requested(self) -> tuple[bytes, str | None]:
        """See `Comparable`."""
        part = self.table.of(self.table.certifiers[0])
        return part["index"].tobytes() + part["label"].tobytes(), self.examples

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """See `Comparable`."""
        return certified_curve(self.table, self.distance, radii)

    def numbers(self) -> dict[str, dict[str, Any]]:
        """See `Comparable`."""
        found = {}
        for certifier, numbers in summary(self.table).items():
            part = self.table.of(certifier)
            found[certifier] = {"classifier": part["classifier"][0], "examples": len(part), **numbers}
        return found


@dataclass(frozen=True)
class Published:
    """Certified accuracy as somebody printed it, at a few radii.

    Attributes:
        printed: The curve, at the radii in print.

    Raises:
        ValueError: If the curve is not by ascending radius, not of fractions, or rises with the radius.
    """

    printed: Curve

    requested = None

    def __post_init__(self) -> None:
        """Refuse what no certified accuracy can be."""
        radii, accuracy = self.printed.radii, self.printed.accuracy
        ascending = len(radii) and radii[0] >= 0 and (np.diff(radii) > 0).all() and np.isfinite(radii).all()
        if not (ascending and accuracy):
            raise ValueError("published curve: must hold lines by ascending radius, at least one")
        for name, values in accuracy.items():
            if not name.strip():
                raise ValueError("published curve: a column has no name; must have one")
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError(f"published curve: {name}: must hold fractions within [0, 1]")
            if (np.diff(values) > 0).any():
                raise ValueError(f"published curve: {name}: rises with the radius; must not")

    @property
    def distance(self) -> Distance:
        """See `Comparable`."""
        return self.printed.distance

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """See `Comparable`; between two radii in print the lower value, beyond the last none.

        What an attack leaves is an upper bound: the higher value, and beyond the last that one.
        """
        if radii is None:
            return self.printed
        at = np.unique(np.asarray(radii, np.float64))
        following = np.searchsorted(self.printed.radii, at)
        last = np.searchsorted(self.printed.radii, at, "right") - 1  # -1, the place of NaN, before the first
        accuracy = {
            name: np.append(values, np.nan)[last if name in self.printed.attacks else following]
            for name, values in self.printed.accuracy.items()
        }
        return replace(self.printed, radii=at, accuracy=accuracy)

    def numbers(self) -> dict[str, dict[str, Any]]:
        """See `Comparable`; nothing more is known."""
        return {name: {} for name in self.printed.accuracy}


@dataclass(frozen=True)
class Column:
    """A column of a comparison, whose cells may be empty.

    Attributes:
        kind: What its cells hold, at full precision.
        spell: A cell for readers.
    """

    kind: ColumnType
    spell: Callable[[Any], str]


@dataclass(frozen=True)
class Comparison:
    """Certified accuracy at a few radii, and the numbers that sum a table up.

    Attributes:
        title: What is compared, with the unit of the radii.
        columns: The columns, by name.
        rows: One per run and certifier, values in the order of the columns.
        notes: What a reader must know about the numbers.
    """

    title: str
    columns: dict[str, Column]
    rows: list[list[Any]]
    notes: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, ColumnType]:
        """Type of every column, by name."""
        return {name: column.kind for name, column in self.columns.items()}

    def text(self) -> TextTable:
        """The same for readers: fractions in percent, certified radii rounded down, their average to the nearest."""
        names = {name.replace("_", " "): column.kind is not _TEXT for name, column in self.columns.items()}
        columns = self.columns.values()
        rows = [
            [NOTHING if cell is None else column.spell(cell) for cell, column in zip(row, columns, strict=True)]
            for row in self.rows
        ]
        return TextTable(self.title, names, rows, self.notes)


_TEXT = optional(TEXT)
_LABEL = Column(_TEXT, str)
_COUNT = Column(optional(INTEGER), str)
_SHARE = Column(optional(NUMBER), "{:.1%}".format)


def _radius(distance: Distance, rounding: str) -> Column:
    digits = 0 if distance.integer else 3

    def spell(radius: float) -> str:
        with localcontext(rounding=rounding):
            return f"{Decimal(NUMBER.write(radius)):.{digits}f}"

    return Column(optional(NUMBER), spell)


def comparison(
    runs: Mapping[str, Comparable], radii: Sequence[float] | None = None, envelope: bool = False
) -> Comparison:
    """Compare runs.

    Args:
        runs: At least one, by name.
        radii: Radii to compare at; by default a few round numbers.
        envelope: Whether to add a line for the best run at every radius.

    Raises:
        ValueError: If distances differ, a radius is not allowed, or runs on different examples have no envelope.
    """
    if not runs:
        raise ValueError("comparison: runs = {}; must be at least one")
    if nameless := [name for name in runs if not name.strip()]:
        raise ValueError(f"comparison: runs: {nameless[0]!r}; must be names of at least one character")
    distance = common_distance({name: run.distance for name, run in runs.items()})
    at = _round_radii(runs, distance) if radii is None else radii
    curves = {name: run.curve(at) for name, run in runs.items()}
    summed = dict.fromkeys(("accuracy", "abstention"), _SHARE)
    summed["median_radius"] = _radius(distance, ROUND_FLOOR)
    # An average is no certificate: it is printed to the nearest digit, as everywhere in the field.
    summed["average_certified_radius"] = _radius(distance, ROUND_HALF_EVEN)
    columns = {
        **dict.fromkeys(("run", "certifier", "classifier"), _LABEL),
        "examples": _COUNT,
        **summed,
        **{f"at {NUMBER.write(r)}": _SHARE for curve in curves.values() for r in curve.radii},
    }
    rows: list[list[Any]] = [
        [
            name,
            curves[name].title(certifier),
            *(numbers.get(column) for column in ("classifier", "examples", *summed)),
            *(None if np.isnan(value) else float(value) for value in curves[name].accuracy[certifier]),
        ]
        for name, run in runs.items()
        for certifier, numbers in run.numbers().items()
    ]
    notes: tuple[str, ...] = NOTES
    if any(curve.attacks for curve in curves.values()):
        notes += (ATTACKS,)
    alike = same_examples(list(runs.values()))
    if len(runs) > 1 and not alike:
        notes += (OTHER_EXAMPLES,)
    if envelope:
        if not alike:
            raise ValueError("envelope: the runs were asked different examples; must be the same")
        best = upper_envelope(list(curves.values())).accuracy[ENVELOPE]
        rows.append([ENVELOPE, None, None, rows[0][3], *[None] * len(summed), *best.tolist()])
        notes += (ENVELOPE_NOTE,)
    title = f"Certified accuracy by {distance.norm} radius ({distance.unit})"
    return Comparison(title, columns, rows, notes)


def same_examples(runs: Sequence[Comparable]) -> bool:
    """Whether all runs are known to be on the same examples: the same indices, labels and, where it is known, data."""
    requested = [run.requested for run in runs]
    known = [examples for examples in requested if examples is not None]
    if len(known) < len(requested):
        return False
    labels, data = zip(*known, strict=True)
    return len(set(labels)) == 1 and len(set(data) - {None}) <= 1


def show(made: Comparison) -> None:
    """Print a comparison."""
    made.text().show()


def common_radii(runs: Mapping[str, Comparable]) -> list[float]:
    """Radii at which all runs can be drawn together: those of each run's own curve, thinned evenly."""
    radii = np.unique(np.concatenate([run.curve().radii for run in runs.values()]))
    kept = np.unique(np.linspace(0, len(radii) - 1, min(len(radii), MAX_RADII)).round().astype(int))
    return [float(r) for r in radii[kept]]


def _round_radii(runs: Mapping[str, Comparable], distance: Distance) -> list[float]:
    """A few round numbers up to where the last certificate reaches."""
    top = max(float(run.curve().radii[-1]) for run in runs.values())
    ticks = MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=distance.integer).tick_values(0, top)
    # Ticks are multiples of a step, off by an ulp at times: twelve digits give the round number that was meant.
    return [float(f"{r:.12g}") for r in ticks if 0 < r <= top]
