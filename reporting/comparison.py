"""Comparison of runs: certified accuracy and summary statistics of every run and certifier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Protocol

import numpy as np
from matplotlib.ticker import MaxNLocator

from reporting.text_table import NOTHING, TextTable
from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT, ColumnType, optional
from smoothing.certificates.certificates import BESIDES
from smoothing.certificates.curves import (
    ENVELOPE,
    MAX_RADII,
    Curve,
    certified_curve,
    common_distance,
    is_attack,
    summary,
    upper_envelope,
)
from smoothing.certificates.table import Table
from smoothing.collective.curve import with_collective
from smoothing.collective.table import MEANING, NONE, CollectiveTable
from smoothing.distance import Distance

NOTES = (
    "Fractions are of all requested examples. Abstentions count as wrong.",
    "The average certified radius is a poor metric: it rewards large radii on easy examples and hides losses on hard "
    "ones.",
)
"""Notes on the numbers, for readers."""

UNSOUND = "A certificate is sound if all rounding errors make its radius smaller, never larger."

ATTACKS = "Rows of attacked classifiers are not certificates. They are upper bounds on certified accuracy."

TOGETHER = f"Rows named collective are collective certificates. {MEANING}"

BUDGETS = "A certifier with a budget in its name, such as 3_flips, certifies this change together with the radius."

OTHER_EXAMPLES = "The runs are not known to have the same requested examples."

ENVELOPE_NOTE = (
    "The upper envelope takes the best run at every radius. No single classifier reaches it. A run that is selected by "
    "it is selected on the reported examples."
)


class Comparable(Protocol):
    """A result that can be compared: certified accuracy by radius, and further numbers if they are known."""

    @property
    def distance(self) -> Distance:
        """Distance of the radii."""

    @property
    def object(self) -> str | None:
        """Object whose changes the radii measure, such as ``"test input"``; None if it is unknown."""

    @property
    def requested(self) -> tuple[bytes, str | None] | None:
        """Indices and labels of the requested examples, and their hash or None. None if the examples are unknown."""

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """Return certified accuracy, NaN where it is unknown."""

    def numbers(self) -> dict[str, dict[str, Any]]:
        """Return the known numbers of every certifier, by column."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        table: Certificates.
        distance: Distance of the radii.
        examples: Hash of the requested examples. None if it is unknown, as in logs.
        collective: Collective certificates; empty if there are none.
        object: Object whose changes the radii measure; None if it is unknown, as in logs.
    """

    table: Table
    distance: Distance
    examples: str | None = None
    collective: CollectiveTable = NONE
    object: str | None = None

    @property
    def requested(self) -> tuple[bytes, str | None]:
        """See `Comparable`."""
        part = self.table.of(self.table.certifiers[0])
        return part["index"].tobytes() + part["label"].tobytes(), self.examples

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """See `Comparable`."""
        return with_collective(certified_curve(self.table, self.distance, radii), self.table, self.collective, radii)

    @property
    def budgets(self) -> set[str]:
        """Budgets of other objects that certificates hold for, one entry per kind of certificate; see `BESIDES`."""
        texts = {text for name in self.table.certifiers for text in self.table.of(name)["assumptions"].tolist()}
        return {"; ".join(each for each in text.split("; ") if each.startswith(BESIDES)) for text in texts}

    def numbers(self) -> dict[str, dict[str, Any]]:
        """See `Comparable`."""
        found = {}
        for certifier, numbers in summary(self.table).items():
            part = self.table.of(certifier)
            # Rounding of an attack is no matter of soundness.
            sound = None if is_attack(part) else bool(part["sound"].all())
            found[certifier] = {"classifier": part["classifier"][0], "sound": sound, "examples": len(part), **numbers}
        for certifier in self.collective.accuracy(np.zeros(0)):
            row = self.collective.of(certifier)[0]
            found[certifier] = {"classifier": row.classifier, "examples": row.examples}
        return found


@dataclass(frozen=True)
class Published:
    """Certified accuracy from a publication, at a few radii.

    Attributes:
        printed: The curve, at the published radii.

    Raises:
        ValueError: If radii do not ascend, accuracies are not fractions, or accuracy increases with the radius.
    """

    printed: Curve

    requested = None
    object = None

    def __post_init__(self) -> None:
        """Raise if the curve cannot be a certified accuracy."""
        radii, accuracy = self.printed.radii, self.printed.accuracy
        ascending = len(radii) and radii[0] >= 0 and (np.diff(radii) > 0).all() and np.isfinite(radii).all()
        if not (ascending and accuracy):
            raise ValueError("published curve: must have at least one line, with ascending radii")
        for name, values in accuracy.items():
            if not name.strip():
                raise ValueError("published curve: a column has no name; must have a name")
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError(f"published curve: {name}: must have fractions within [0, 1]")
            if (np.diff(values) > 0).any():
                raise ValueError(f"published curve: {name}: increases with the radius; must not increase")

    @property
    def distance(self) -> Distance:
        """See `Comparable`."""
        return self.printed.distance

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """See `Comparable`. Between two published radii the lower value is returned, beyond the last radius NaN.

        The accuracy under an attack is an upper bound: between two published radii the higher value is returned, beyond
        the last radius the last value.
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
        """See `Comparable`. No further numbers are known."""
        return {name: {} for name in self.printed.accuracy}


@dataclass(frozen=True)
class Column:
    """A column of a comparison. Its cells may be empty.

    Attributes:
        kind: What its cells hold, at full precision.
        format: Function that formats a cell for readers.
    """

    kind: ColumnType
    format: Callable[[Any], str]


@dataclass(frozen=True)
class Comparison:
    """Certified accuracy at a few radii, and summary statistics.

    Attributes:
        title: Title, with the unit of the radii.
        columns: Columns by name.
        rows: One row per run and certifier, with values in the order of the columns.
        notes: Notes on the numbers, for readers.
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
        """Return the table for readers: fractions in percent, medians rounded down, averages rounded to nearest."""
        names = {
            name.replace("_", " "): column.kind not in (_TEXT, _SOUND.kind) for name, column in self.columns.items()
        }
        columns = self.columns.values()
        rows = [
            [NOTHING if cell is None else column.format(cell) for cell, column in zip(row, columns, strict=True)]
            for row in self.rows
        ]
        return TextTable(self.title, names, rows, self.notes)


_TEXT = optional(TEXT)
_LABEL = Column(_TEXT, str)
_SOUND = Column(optional(FLAG), lambda sound: "yes" if sound else "no")
_COUNT = Column(optional(INTEGER), str)
_SHARE = Column(optional(NUMBER), "{:.1%}".format)


def _radius(distance: Distance, rounding: str) -> Column:
    digits = 0 if distance.integer else 3

    def format_radius(radius: float) -> str:
        with localcontext(rounding=rounding):
            return f"{Decimal(NUMBER.write(radius)):.{digits}f}"

    return Column(optional(NUMBER), format_radius)


def comparison(
    runs: Mapping[str, Comparable], radii: Sequence[float] | None = None, envelope: bool = False
) -> Comparison:
    """Compare runs.

    Args:
        runs: At least one run, by name.
        radii: Radii to compare at. The default is a few round numbers.
        envelope: Whether to add a row for the best run at every radius.

    Raises:
        ValueError: If a name is empty, distances or objects differ, a radius is not allowed, or an envelope is
            requested of runs that are not known to have the same requested examples.
    """
    if not runs:
        raise ValueError("comparison: runs = {}; must be at least one")
    if nameless := [name for name in runs if not name.strip()]:
        raise ValueError(f"comparison: runs: {nameless[0]!r}; must have at least one character")
    distance = common_distance({name: run.distance for name, run in runs.items()})
    _check_objects({name: run.object for name, run in runs.items() if run.object is not None})
    at = round_radii(runs, distance) if radii is None else radii
    curves = {name: run.curve(at) for name, run in runs.items()}
    summed = dict.fromkeys(("accuracy", "abstention"), _SHARE)
    summed["median_radius"] = _radius(distance, ROUND_FLOOR)
    # An average is not a certificate. It is rounded to nearest, as in published tables.
    summed["average_certified_radius"] = _radius(distance, ROUND_HALF_EVEN)
    columns = {
        **dict.fromkeys(("run", "certifier", "classifier"), _LABEL),
        "sound": _SOUND,
        "examples": _COUNT,
        **summed,
        **{f"at {NUMBER.write(r)}": _SHARE for curve in curves.values() for r in curve.radii},
    }
    rows: list[list[Any]] = [
        [
            name,
            curves[name].title(certifier),
            *(numbers.get(column) for column in ("classifier", "sound", "examples", *summed)),
            *(None if np.isnan(value) else float(value) for value in curves[name].accuracy[certifier]),
        ]
        for name, run in runs.items()
        for certifier, numbers in run.numbers().items()
    ]
    notes: tuple[str, ...] = NOTES
    if any(numbers.get("sound") is False for run in runs.values() for numbers in run.numbers().values()):
        notes += (UNSOUND,)
    if any(curve.attacks for curve in curves.values()):
        notes += (ATTACKS,)
    if any(curve.collective for curve in curves.values()):
        notes += (TOGETHER,)
    budgets = {budget for run in tabled(runs).values() for budget in run.budgets}
    if any(budgets):
        notes += (BUDGETS,)
    same = same_examples(list(runs.values()))
    if len(runs) > 1 and not same:
        notes += (OTHER_EXAMPLES,)
    if envelope:
        if not same:
            raise ValueError("envelope: the requested examples of the runs differ or are unknown; must be the same")
        if len(budgets) > 1:
            raise ValueError(f"envelope: certificates with {len(budgets)} different budgets; must have the same")
        best = upper_envelope(list(curves.values())).accuracy[ENVELOPE]
        rows.append([ENVELOPE, None, None, None, rows[0][4], *[None] * len(summed), *best.tolist()])
        notes += (ENVELOPE_NOTE,)
    title = f"Certified accuracy by {distance.norm} radius ({distance.unit})"
    return Comparison(title, columns, rows, notes)


def _check_objects(objects: Mapping[str, str]) -> None:
    """Raise if radii measure changes of different objects. The same norm and unit are then different threats."""
    for run, found in objects.items():
        first, shared = next(iter(objects.items()))
        if found != shared:
            raise ValueError(f"{run}: radii of the {found}; must be radii of the {shared}, as in {first}")


def same_examples(runs: Sequence[Comparable]) -> bool:
    """Return whether all runs are known to have the same requested examples.

    Indices and labels must be equal. Hashes must be equal where they are known.
    """
    requested = [run.requested for run in runs]
    known = [examples for examples in requested if examples is not None]
    if len(known) < len(requested):
        return False
    labels, data = zip(*known, strict=True)
    return len(set(labels)) == 1 and len(set(data) - {None}) <= 1


def tabled(runs: Mapping[str, Comparable]) -> dict[str, Run]:
    """Return the runs that have a table. Published curves have none."""
    return {name: run for name, run in runs.items() if isinstance(run, Run)}


def show(made: Comparison) -> None:
    """Print a comparison."""
    made.text().show()


def common_radii(runs: Mapping[str, Comparable]) -> list[float]:
    """Return radii at which all runs can be drawn: the radii of the curves of all runs, thinned evenly."""
    radii = np.unique(np.concatenate([run.curve().radii for run in runs.values()]))
    kept = np.unique(np.linspace(0, len(radii) - 1, min(len(radii), MAX_RADII)).round().astype(int))
    return [float(r) for r in radii[kept]]


def round_radii(runs: Mapping[str, Comparable], distance: Distance) -> list[float]:
    """Return a few round numbers up to the largest radius of all curves."""
    top = max(float(run.curve().radii[-1]) for run in runs.values())
    ticks = MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=distance.integer).tick_values(0, top)
    # Ticks may be off by one unit in the last place. Rounding to twelve digits restores the round number.
    return [float(f"{r:.12g}") for r in ticks if 0 < r <= top]
