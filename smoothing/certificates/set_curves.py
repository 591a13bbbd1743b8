"""Coverage and mean size of certified sets by budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import NUMBER, read_header, read_records, write_records
from smoothing.certificates.curves import radii_of
from smoothing.certificates.set_cells import as_numbers, within_budget
from smoothing.certificates.table import Table
from smoothing.distance import Distance

COVERAGE, SIZE = ", coverage", ", mean size"
"""Suffixes of the names of certifiers in the columns of a file."""


@dataclass(frozen=True)
class SetCurve:
    """Coverage and mean size of certified sets by budget (THEORY.md 4.7).

    Attributes:
        budgets: ``(points,)`` numbers of changes, ascending.
        coverage: ``(points,)`` fraction of requested examples with the true class in the set, by certifier.
        size: ``(points,)`` mean number of classes in a set, at least 1, by certifier.
        distance: Distance in which changes are counted.
    """

    budgets: NDArray[np.float64]
    coverage: dict[str, NDArray[np.float64]]
    size: dict[str, NDArray[np.float64]]
    distance: Distance

    def write_csv(self, path: str | Path) -> None:
        """Write a CSV file with the column ``budget`` and two columns per certifier."""
        parts = [part for name in self.coverage for part in (self.coverage[name], self.size[name])]
        names = [name + suffix for name in self.coverage for suffix in (COVERAGE, SIZE)]
        write_records(path, ",", dict.fromkeys(("budget", *names), NUMBER), zip(self.budgets, *parts, strict=True))

    @classmethod
    def read_csv(cls, path: str | Path, distance: Distance) -> "SetCurve":
        """Read a curve that `write_csv` wrote.

        Raises:
            ValueError: If the file is damaged, naming the file, the line and the allowed values.
        """
        names = [title.removesuffix(COVERAGE) for title in read_header(path, ",")[1::2]]
        titles = [name + suffix for name in names for suffix in (COVERAGE, SIZE)]
        columns = dict.fromkeys(("budget", *titles), NUMBER)
        points = [list(point.values()) for _, point in read_records(path, ",", columns)]
        values = np.array(points, np.float64).reshape(-1, len(columns)).T
        return cls(
            values[0],
            dict(zip(names, values[1::2], strict=True)),
            dict(zip(names, values[2::2], strict=True)),
            distance,
        )


def has_sets(table: Table) -> bool:
    """Return whether a certifier of a table has certified sets of all examples."""
    return bool(_with_sets(table))


def set_curve(table: Table, distance: Distance, budgets: Sequence[float] | None = None) -> SetCurve:
    """Compute coverage and mean size of certified sets, for every certifier that has them.

    Args:
        table: The certificates.
        distance: Their distance, whole-numbered.
        budgets: Budgets of the curve, as the radii of `certified_curve`, which also gives the default.

    Raises:
        ValueError: If no certifier has sets, or a budget is not as described.
    """
    if not (parts := _with_sets(table)):
        raise ValueError("set_curve: table without certified sets; must have the column flips_to: ExactVote(sets=True)")
    at = radii_of(table, distance, budgets)
    coverage, size = {}, {}
    for name, part in parts.items():
        flips_to = as_numbers(part["flips_to"].tolist())
        label = part["label"]
        known = label < flips_to.shape[1]
        # A class that the votes do not know is in no set.
        needed = np.where(known, np.take_along_axis(flips_to, np.where(known, label, 0)[:, None], 1)[:, 0], np.inf)
        coverage[name] = np.array([within_budget(needed, int(budget)).mean() for budget in at])
        size[name] = np.array([within_budget(flips_to, int(budget)).sum(1).mean() for budget in at])
    return SetCurve(at, coverage, size, distance)


def _with_sets(table: Table) -> dict[str, Table]:
    parts = {name: table.of(name) for name in table.certifiers}
    return {name: part for name, part in parts.items() if not np.ma.getmaskarray(part["flips_to"]).any()}
