"""The table of collective certificates, one row per collective certifier and budget."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT, read_records, write_records
from smoothing.certificates.certificates import ATTACKED

COLUMNS = {
    "certifier": TEXT,
    "budget": INTEGER,
    "counted": TEXT,
    "examples": INTEGER,
    "number": INTEGER,
    "bound": INTEGER,
    "certified": NUMBER,
    "pointwise": NUMBER,
    "multipliers": TEXT,
    "classifier": TEXT,
    "deterministic": FLAG,
    "sound": FLAG,
    "assumptions": TEXT,
}
"""Columns of ``collective.csv``, as in `CollectiveRow`."""

MEANING = (
    "One attacker who makes up to r changes in total changes at most B(r) of the counted answers, whichever changes "
    "these are. The bound names no single answer: it does not say which ones remain."
)
"""What a collective certificate means and does not mean, for readers."""


@dataclass(frozen=True)
class CollectiveRow:
    """A collective certificate for one budget.

    Attributes:
        certifier: Name of the collective certifier.
        budget: Number of changes ``r`` that the attacker can make in total.
        counted: Answers that are counted: ``"right"`` or ``"all"``.
        examples: Number of requested test examples.
        number: Number of answers that are counted.
        bound: Largest number of counted answers that can change: ``B(r)``. In rows of attacks: the number that the
            attack changes.
        certified: Fraction of all examples whose answers are counted and do not change: ``(number - bound) /
            examples``.
        pointwise: Fraction of all examples whose answers are counted and are certified one by one for the budget.
        multipliers: SHA-256 of the multipliers that give the bound. In rows of attacks: of the changed labels.
        classifier: Smoothed classifier that is certified.
        deterministic: Whether the bound holds with probability one.
        sound: Whether every rounding error makes the bound larger.
        assumptions: Assumptions under which the bound holds, separated by semicolons.
    """

    certifier: str
    budget: int
    counted: str
    examples: int
    number: int
    bound: int
    certified: float
    pointwise: float
    multipliers: str
    classifier: str
    deterministic: bool
    sound: bool
    assumptions: str


@dataclass(frozen=True)
class CollectiveTable:
    """Collective certificates of a run.

    Attributes:
        rows: Rows by certifier, ascending by budget.
    """

    rows: Sequence[CollectiveRow] = ()

    @property
    def certifiers(self) -> tuple[str, ...]:
        """Names of the collective certifiers."""
        return tuple(dict.fromkeys(row.certifier for row in self.rows))

    @property
    def attacks(self) -> frozenset[str]:
        """Names whose rows belong to attacks. Their certified fraction is an upper bound."""
        return frozenset(row.certifier for row in self.rows if row.classifier in ATTACKED)

    def of(self, certifier: str) -> list[CollectiveRow]:
        """Return the rows of one certifier, ascending by budget."""
        return [row for row in self.rows if row.certifier == certifier]

    @property
    def budgets(self) -> list[float]:
        """Budgets at which right answers are counted, ascending."""
        return sorted({float(row.budget) for row in self.rows if row.counted == "right"})

    def accuracy(self, radii: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the fraction of right answers that remain, by certifier that counts these.

        Args:
            radii: Numbers of changes, ``(points,)``. The value is that of the next budget, NaN beyond the last one. The
                value of an attack is that of the budget before, NaN before the first one.
        """
        found = {}
        for certifier in self.certifiers:
            rows = self.of(certifier)
            if rows[0].counted == "right":
                budgets, values = [row.budget for row in rows], [row.certified for row in rows]
                if certifier in self.attacks:
                    found[certifier] = np.array([np.nan, *values])[np.searchsorted(budgets, radii, side="right")]
                else:
                    found[certifier] = np.array([*values, np.nan])[np.searchsorted(budgets, radii)]
        return found

    def write_csv(self, path: str | Path) -> None:
        """Write the table. Equal tables give equal bytes."""
        write_records(path, ",", COLUMNS, map(astuple, self.rows))

    @classmethod
    def read_csv(cls, path: str | Path) -> "CollectiveTable":
        """Read a table that `write_csv` wrote. A file that does not exist is an empty table.

        Raises:
            ValueError: If the file is damaged, or a row contradicts itself or another row, naming file and line.
        """
        if not Path(path).is_file():
            return cls()
        rows: list[CollectiveRow] = []
        for where, values in read_records(path, ",", COLUMNS):
            row = CollectiveRow(**values)
            before = [other for other in rows if other.certifier == row.certifier]
            if reason := _contradiction(row, before):
                raise ValueError(f"{where}: {reason}; the file is damaged")
            rows.append(row)
        return cls(rows)


NONE = CollectiveTable()
"""The table of a run without collective certificates."""


def audited(table: CollectiveTable, multipliers: Callable[[str], Path]) -> CollectiveTable:
    """Return a table after checking that the stored multipliers are those of its rows.

    Args:
        table: The table.
        multipliers: Returns the file with the multipliers of a certifier, an array ``(vectors, examples)``.

    Raises:
        ValueError: If a row names multipliers that are not stored.
    """
    for certifier in table.certifiers:
        path = multipliers(certifier)
        try:
            stored = np.load(path)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}; must hold the multipliers of {certifier}") from None
        for row in table.of(certifier):
            # Vectors are stored for all examples. Answers that are not counted have multiplier 0.
            none = np.zeros(row.examples, np.int64)
            if row.multipliers not in {hash_of(vector) for vector in (none, *stored)}:
                raise ValueError(f"{path}: does not hold the multipliers of {certifier} at budget {row.budget}")
    return table


def hash_of(multipliers: NDArray[np.int64]) -> str:
    """Return the SHA-256 of multipliers, ``(m,)`` as little-endian int64, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(multipliers.astype("<i8")).tobytes()).hexdigest()


def _contradiction(row: CollectiveRow, before: Sequence[CollectiveRow]) -> str | None:
    """Return why a row cannot be a collective certificate after those of smaller budgets, or None."""
    if not 0 <= row.number <= row.examples or row.examples < 1:
        return f"number = {row.number} of {row.examples} examples; must be at most all"
    if row.counted not in ("right", "all"):
        return f"counted = {row.counted}; must be right or all"
    if not 0 <= row.bound <= row.number:
        return f"bound = {row.bound}; must be within 0 .. {row.number}, the number of answers counted"
    if row.certified != (row.number - row.bound) / row.examples:
        return f"certified = {row.certified}; must be ({row.number} - {row.bound}) / {row.examples}"
    if row.certified < row.pointwise:
        return f"certified = {row.certified}; must be at least {row.pointwise}, that of the single certificates"
    if row.budget < 0:
        return f"budget = {row.budget}; must be at least 0"
    if before:
        last = before[-1]
        if row.budget <= last.budget:
            return f"budget = {row.budget} after {last.budget}; must ascend"
        if row.bound < last.bound:
            return f"bound = {row.bound} after {last.bound} for a smaller budget; must not decrease"
        same = ("counted", "examples", "number", "classifier")
        if any(getattr(row, name) != getattr(last, name) for name in same):
            return "counts other answers than the row before; must be the same"
    return None
