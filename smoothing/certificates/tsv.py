"""The field's certification logs: one TSV per certifier, ``idx label predict radius correct time``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, ColumnType, optional, read_records, write_records
from smoothing.certificates.table import Table, assemble
from smoothing.distance import Distance

FIELD_DISTANCE = Distance("l2", "input units", integer=False, strict=False)
"""Logs do not name their distance: the field's are l2 radii of Gaussian noise on the [0, 1] scale.

Strictly these certify smaller changes only, but published figures count a radius for changes of its own size too, and
with three digits that shows: Cohen et al. 2019 print .22 for sigma 1 at radius 1, which is .212 when counted strictly.
"""

_CLOCK = re.compile(r"(?:(?P<days>\d+) days?, )?(?P<hours>\d+):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?)")


def _parse_seconds(text: str) -> float:
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return float(text)
    return timedelta(**{unit: float(value) for unit, value in clock.groupdict("0").items()}).total_seconds()


SECONDS = replace(NUMBER, parse=_parse_seconds, allowed="seconds (12.3) or a clock time (0:00:12.3)")

COLUMNS: dict[str, ColumnType] = {
    "idx": INTEGER,
    "label": INTEGER,
    "predict": INTEGER,
    "radius": NUMBER,
    "correct": FLAG,
    "time": optional(SECONDS),
}
"""Type of every column of a log, in their order. The time may be unknown."""


def read_tsv(path: str | Path, certifier: str = "clopper_pearson") -> tuple[Table, dict[int, float]]:
    """Read a log. Its certificates speak of the majority vote and hold with high probability.

    They count as not sound: logs print three digits, which rounds half of the radii up.

    Args:
        path: The log.
        certifier: Name to give to the certifier, which logs do not state.

    Returns:
        The table, and the seconds spent on each example where the log has them.

    Raises:
        ValueError: Naming the file, the line and what is allowed there.
    """
    seconds: dict[int, float] = {}

    def lines() -> Iterator[tuple[str, dict[str, Any]]]:
        for where, cells in read_records(path, "\t", COLUMNS):
            if cells["time"] is not None:
                seconds[cells["idx"]] = cells["time"]
            yield (
                where,
                {
                    "index": cells["idx"],
                    "certifier": certifier,
                    "label": cells["label"],
                    "prediction": cells["predict"],
                    "radius": cells["radius"],
                    "correct": cells["correct"],
                    "classifier": "majority",
                    "deterministic": False,
                    "sound": False,
                },
            )

    return assemble(path, lines()), seconds


def write_tsv(path: str | Path, table: Table, seconds: Mapping[int, float] | None = None) -> None:
    """Write the certificates of one certifier as a log, radii to the last bit.

    Args:
        path: The log to write.
        table: Certificates of one certifier; ``table.of(name)`` picks it.
        seconds: Seconds spent on each example, by index. A time that is not known stays empty.

    Raises:
        ValueError: If the table holds several certifiers.
    """
    if len(table.certifiers) != 1:
        raise ValueError(f"TSV log: table with the certifiers {', '.join(table.certifiers)}; must have exactly one")
    spent = seconds or {}
    records = ((row.index, row.label, row.prediction, row.radius, row.correct, spent.get(row.index)) for row in table)
    write_records(path, "\t", COLUMNS, records)
