"""Certification logs in the format of Cohen et al. (2019): ``idx label predict radius correct time``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, ColumnType, optional, read_records, write_records
from smoothing.certificates.columns import read_columns
from smoothing.certificates.table import COLUMNS as TABLE_COLUMNS
from smoothing.certificates.table import Table, assemble, from_file
from smoothing.distance import Distance

FIELD_DISTANCE = Distance("l2", "input units", integer=False, strict=False)
"""Distance of published logs, which do not state it: l2 radii of Gaussian noise on the [0, 1] scale.

Such radii are strict, but published figures also count changes of exactly the radius. With radii of three digits the
difference is visible: Cohen et al. (2019) print .22 for sigma 1 at radius 1. Counted strictly it is .212.
"""

_CLOCK = re.compile(r"(?:(\d+) days?, )?(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)")


def _parse_finite(text: str) -> float:
    value = float(text)
    if not 0 <= value < inf:
        raise ValueError(text)
    return value


def _parse_seconds(text: str) -> float:
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return _parse_finite(text)
    days, hours, minutes, seconds = map(float, clock.groups("0"))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


RADIUS = replace(NUMBER, parse=_parse_finite, allowed="a finite number, at least 0")
SECONDS = replace(NUMBER, parse=_parse_seconds, allowed="seconds (12.3) or a clock time (0:00:12.3)")

COLUMNS: dict[str, ColumnType] = {
    "idx": INTEGER,
    "label": INTEGER,
    "predict": INTEGER,
    "radius": RADIUS,
    "correct": FLAG,
    "time": optional(SECONDS),
}
"""Type of every column of a log, in order. The time may be unknown."""


def read_tsv(path: str | Path, certifier: str = "clopper_pearson") -> tuple[Table, dict[int, float]]:
    """Read a log. Its certificates are for the majority vote and hold with high probability.

    They are not sound: logs print three digits, so that about half of the radii are rounded up.

    Args:
        path: The log.
        certifier: Name of the certifier. Logs do not state it.

    Returns:
        The table, and the seconds spent on each example by index if the log has them.

    Raises:
        ValueError: If the log is damaged, naming the file, the line and the allowed values.
    """
    columns = read_columns(path, "\t", COLUMNS, frozenset({"idx"}))
    if columns is not None and (table := from_file(_certificates(columns, certifier))) is not None:
        times = columns["time"]
        known = ~np.ma.getmaskarray(times)
        return table, dict(zip(columns["idx"][known].tolist(), np.ma.getdata(times)[known].tolist(), strict=True))
    seconds: dict[int, float] = {}

    def lines() -> Iterator[tuple[str, dict[str, Any]]]:
        for where, cells in read_records(path, "\t", COLUMNS):
            if cells["time"] is not None:
                seconds[cells["idx"]] = cells["time"]
            own = {name: cells[cell] for name, cell in _NAMES.items()}
            yield where, {**own, "certifier": certifier, **_CONSTANTS}

    return assemble(path, lines()), seconds


_NAMES = {"index": "idx", "label": "label", "prediction": "predict", "radius": "radius", "correct": "correct"}
"""Names of columns of a log, by the name of the same column of a table."""

_CONSTANTS = {"classifier": "majority", "deterministic": False, "sound": False}


def _certificates(columns: Mapping[str, NDArray[Any]], certifier: str) -> dict[str, NDArray[Any]]:
    """Return the columns of a table from the columns of a log."""
    number = len(columns["idx"])
    given = {name: columns[cell] for name, cell in _NAMES.items()}
    constants = {"certifier": certifier, **_CONSTANTS, "assumptions": ""}
    return {
        name: given[name] if name in given else kind.column([constants.get(name)] * number)
        for name, kind in TABLE_COLUMNS.items()
    }


def write_tsv(path: str | Path, table: Table, seconds: Mapping[int, float] | None = None) -> None:
    """Write the certificates of one certifier as a log. Radii keep every bit.

    Args:
        path: The log to write.
        table: Certificates of one certifier; see `Table.of`.
        seconds: Seconds spent on each example, at least 0, by index. Unknown times are left empty.

    Raises:
        ValueError: If the table holds several certifiers or an infinite radius, or if a time is out of range.
    """
    if len(table.certifiers) != 1:
        raise ValueError(f"TSV log: table with the certifiers {', '.join(table.certifiers)}; must have exactly one")
    if endless := [row.index for row in table if row.radius == inf]:
        raise ValueError(f"TSV log: example {endless[0]} has an infinite radius; must be finite")
    spent = seconds or {}
    for index, time in spent.items():
        if not 0 <= time < inf:
            raise ValueError(f"TSV log: seconds of example {index} = {time}; must be finite and at least 0")
    records = ((row.index, row.label, row.prediction, row.radius, row.correct, spent.get(row.index)) for row in table)
    write_records(path, "\t", COLUMNS, records)
