"""Tables of certificates side by side: a few numbers for every run and certifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from smoothing.certificates.cells import INTEGER, NUMBER, TEXT, Kind
from smoothing.certificates.curves import Curve, certified_curve, common_distance, summary
from smoothing.certificates.table import Table
from smoothing.distance import Distance

NOTE = "Fractions are of all examples asked; an abstention is wrong."
"""What a reader must know about the numbers."""

_UNFOLDED = 10_000


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        table: Its certificates.
        distance: The distance of their radii.
    """

    table: Table
    distance: Distance

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """Its certified accuracy."""
        return certified_curve(self.table, self.distance, radii)


@dataclass(frozen=True)
class Comparison:
    """Certified accuracy at a few radii, and the numbers that sum a table up.

    Attributes:
        title: What is compared, with the unit of the radii.
        columns: Kind of every column, by name.
        rows: One per run and certifier, values in the order of the columns.
        digits: Digits after the point of a radius.
    """

    title: str
    columns: dict[str, Kind]
    rows: list[list[Any]]
    digits: int

    def spelled(self) -> list[list[str]]:
        """Rows for readers: fractions in percent, the median radius rounded down."""
        lines = []
        with localcontext(rounding=ROUND_FLOOR):
            for run, certifier, classifier, examples, accuracy, abstention, median, *certified in self.rows:
                reached = f"{Decimal(NUMBER.write(median)):.{self.digits}f}"
                shares = [f"{share:.1%}" for share in (accuracy, abstention, *certified)]
                lines.append([run, certifier, classifier, str(examples), *shares[:2], reached, *shares[2:]])
        return lines


def comparison(runs: Mapping[str, Run], radii: Sequence[float] | None = None) -> Comparison:
    """Compare runs.

    Args:
        runs: At least one run, by name.
        radii: Radii to compare at; by default a few round numbers.

    Raises:
        ValueError: If distances differ, or a radius is not allowed.
    """
    distance = common_distance({name: run.distance for name, run in runs.items()})
    at = _round_radii(runs, distance) if radii is None else radii
    curves = {name: run.curve(at) for name, run in runs.items()}
    columns = {
        "run": TEXT,
        "certifier": TEXT,
        "classifier": TEXT,
        "examples": INTEGER,
        "accuracy": NUMBER,
        "abstention": NUMBER,
        "median_radius": NUMBER,
        **{f"at {NUMBER.write(r)}": NUMBER for curve in curves.values() for r in curve.radii},
    }
    rows = [
        [
            name,
            certifier,
            run.table.of(certifier)["classifier"][0],
            len(run.table.of(certifier)),
            numbers["accuracy"],
            numbers["abstention"],
            numbers["median_radius"],
            *curves[name].accuracy[certifier],
        ]
        for name, run in runs.items()
        for certifier, numbers in summary(run.table).items()
    ]
    title = f"Certified accuracy by {distance.norm} radius ({distance.unit})"
    return Comparison(title, columns, rows, digits=0 if distance.integer else 3)


def show(made: Comparison) -> None:
    """Print a comparison."""
    show_grid(made.title, {name: kind is not TEXT for name, kind in made.columns.items()}, made.spelled())


def show_grid(title: str, columns: Mapping[str, bool], rows: Sequence[Sequence[str]]) -> None:
    """Print a table. Lines are never folded, whatever the width of the terminal.

    Args:
        title: Stands above it.
        columns: Names, and whether they hold numbers.
        rows: Cells in the order of the columns.
    """
    grid = Grid(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, numeric in columns.items():
        grid.add_column(name.replace("_", "\n"), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    Console(width=_UNFOLDED, highlight=False).print(grid)


def _round_radii(runs: Mapping[str, Run], distance: Distance) -> list[float]:
    """A few round numbers up to where the last certificate reaches."""
    top = max(float(run.curve().radii[-1]) for run in runs.values())
    ticks = MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=distance.integer).tick_values(0, top)
    # Ticks are multiples of a step, off by an ulp at times: twelve digits give the round number that was meant.
    return [float(f"{r:.12g}") for r in ticks if 0 < r <= top]
