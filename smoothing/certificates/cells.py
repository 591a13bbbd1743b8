"""Cells of text tables: how a value is spelled, read back and refused."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ColumnType:
    """What the cells of one column hold.

    Attributes:
        parse: Text to value; raises ValueError where the text is not one.
        spell: Value to text, so that ``parse(spell(value))`` is the value to the bit.
        allowed: What is allowed, in words.
        dtype: NumPy type of a column.
        optional: Whether a cell may be empty, read as None and kept as a masked element.
    """

    parse: Callable[[str], Any]
    spell: Callable[[Any], str]
    allowed: str
    dtype: type[np.generic]
    optional: bool = False

    def read(self, text: str) -> Any:
        """The value that ``text`` spells; None for an empty cell of an optional column."""
        return None if self.optional and not text else self.parse(text)

    def write(self, value: Any) -> str:
        """The text of ``value``; empty for None."""
        return "" if value is None else self.spell(value)

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Values as an array ``(len(values),)``, masked where an optional one is None."""
        if not self.optional:
            return np.array(values, self.dtype)
        missing = [value is None for value in values]
        return np.ma.MaskedArray(
            [self.dtype(0) if gone else value for value, gone in zip(values, missing, strict=True)], missing, self.dtype
        )


def _parse_flag(text: str) -> bool:
    return {"0": False, "1": True}[text]


def _spell_number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


INTEGER = ColumnType(int, str, "a whole number", np.int64)
NUMBER = ColumnType(float, _spell_number, "a number", np.float64)
FLAG = ColumnType(_parse_flag, lambda value: str(int(value)), "0 or 1", np.bool_)
TEXT = ColumnType(str, str, "text", np.object_)


def optional(kind: ColumnType) -> ColumnType:
    """The same type, where a cell may be empty."""
    return replace(kind, allowed=f"{kind.allowed}, or empty", optional=True)


def read_header(path: str | Path, delimiter: str) -> list[str]:
    """Column names in the first line of a table.

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
        path: The file, UTF-8, its first line the column names.
        delimiter: What stands between two cells.
        columns: Type of every column, in their order in the file.

    Yields:
        Where the line stands, for messages, and its values by column.

    Raises:
        ValueError: Naming file, line, column and what is allowed, at the first cell that is not.
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
    """Write a table whose bytes are a function of its content; the file appears whole or not at all."""
    draft = Path(f"{path}.{os.getpid()}.part")
    try:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
            writer.writerow(columns)
            for record in records:
                writer.writerow([kind.write(v) for kind, v in zip(columns.values(), record, strict=True)])
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
