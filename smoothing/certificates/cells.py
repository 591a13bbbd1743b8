"""Reading and writing of text tables with typed columns."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.files import draft


@dataclass(frozen=True)
class ColumnType:
    """Type of the cells of one column.

    Attributes:
        parse: Text to value. Raises ValueError if the text is not allowed.
        format: Value to text, such that ``parse(format(value))`` is the same value, bit for bit.
        allowed: Description of the allowed values, for messages.
        dtype: NumPy type of a column.
        optional: Whether a cell may be empty. An empty cell is None, or a masked element of a column.
    """

    parse: Callable[[str], Any]
    format: Callable[[Any], str]
    allowed: str
    dtype: type[np.generic]
    optional: bool = False

    def read(self, text: str) -> Any:
        """Parse the text of a cell. An empty cell of an optional column is None."""
        return None if self.optional and not text else self.parse(text)

    def write(self, value: Any) -> str:
        """Format the value of a cell. None is the empty text."""
        return "" if value is None else self.format(value)

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return values as an array ``(len(values),)``, masked where an optional value is None."""
        if not self.optional:
            return np.array(values, self.dtype)
        missing = [value is None for value in values]
        if any(missing):
            values = [0 if value is None else value for value in values]
        return np.ma.MaskedArray(np.array(values, self.dtype), missing, self.dtype)


def _parse_flag(text: str) -> bool:
    return {"0": False, "1": True}[text]


def _format_number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _parse_integer(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return value


INTEGER = ColumnType(_parse_integer, str, "a whole number", np.int64)
NUMBER = ColumnType(float, _format_number, "a number", np.float64)
FLAG = ColumnType(_parse_flag, lambda value: str(int(value)), "0 or 1", np.bool_)
TEXT = ColumnType(str, str, "text", np.object_)


def optional(kind: ColumnType) -> ColumnType:
    """Return the column type with optional cells."""
    return replace(kind, allowed=f"{kind.allowed}, or empty", optional=True)


def read_header(path: str | Path, delimiter: str) -> list[str]:
    """Return the column names in the first line of a table.

    Raises:
        ValueError: If the file is not text.
    """
    with open(path, newline="", encoding="utf-8") as file:
        try:
            return next(csv.reader(file, delimiter=delimiter), [])
        except (UnicodeDecodeError, csv.Error):
            raise ValueError(f"{path}: not a text file; must be a table with one line per row") from None


def read_records(
    path: str | Path, delimiter: str, columns: Mapping[str, ColumnType]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a table line by line.

    Args:
        path: The file, in UTF-8, with the column names in the first line.
        delimiter: Separator of cells.
        columns: Type of every column, in their order in the file.

    Yields:
        Location of the line, for messages, and its values by column.

    Raises:
        ValueError: If a cell is not allowed, naming file, line, column and the allowed values.
    """
    header = read_header(path, delimiter)
    if header != list(columns):
        found = " ".join(header) or "nothing"
        raise ValueError(f"{path}, line 1: found the columns {found}; must be {' '.join(columns)}")
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            where = f"{path}, line {reader.line_num + 1}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (UnicodeDecodeError, csv.Error) as error:
                raise ValueError(f"{where}: {error}; the file is damaged") from None
            if reader.line_num > 1:
                yield where, _read_cells(cells, columns, where)


def _read_cells(cells: list[str], columns: Mapping[str, ColumnType], where: str) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise ValueError(f"{where}: found {len(cells)} cells; must be {len(columns)}")
    values = {}
    for (name, kind), text in zip(columns.items(), cells, strict=True):
        try:
            values[name] = kind.read(text)
        except (ValueError, KeyError):
            raise ValueError(f"{where}, column {name}: {text!r}; must be {kind.allowed}") from None
    return values


def write_records(
    path: str | Path, delimiter: str, columns: Mapping[str, ColumnType], records: Iterable[Sequence[Any]]
) -> None:
    """Write a table. Equal content gives equal bytes. The file is written completely or not at all."""
    kinds = columns.values()
    lines = ([kind.write(v) for kind, v in zip(kinds, record, strict=True)] for record in records)
    _write_lines(path, delimiter, columns, lines)


def write_columns(
    path: str | Path, delimiter: str, columns: Mapping[str, ColumnType], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a table as `write_records` does, from one array ``(rows,)`` per column."""
    texts = [_format_column(kind, arrays[name].tolist()) for name, kind in columns.items()]
    _write_lines(path, delimiter, columns, zip(*texts, strict=True))


def _format_column(kind: ColumnType, values: list[Any]) -> list[str]:
    if kind.dtype is np.float64:
        # Equal numbers may have different texts: 0 and -0.
        return [kind.write(value) for value in values]
    texts = {value: kind.write(value) for value in set(values)}
    return [texts[value] for value in values]


def _write_lines(path: str | Path, delimiter: str, header: Iterable[str], lines: Iterable[Sequence[str]]) -> None:
    with draft(Path(path)) as made, made.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)
