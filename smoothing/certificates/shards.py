"""Append-only store of finished examples."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT
from smoothing.certificates.journal import Batch, Journal, damaged, read_journals
from smoothing.certificates.table import COLUMNS, Row, Table, suspects
from smoothing.lazy import no_collection

_NAME = "rows"

_PIECE = "example"


class Shard(Journal[Sequence[Row] | Sequence[dict[str, Any]]]):
    """Shard of one rank: a journal. Each line contains the rows of one example by all certifiers.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _NAME)

    def content(self, piece: Sequence[Row] | Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return rows as JSON-compatible values; see `Journal.content`.

        Args:
            piece: Rows of one example by all certifiers, or their checked values; see `records`.

        Raises:
            ValueError: If there is no row, or if the rows belong to several examples.
        """
        rows = [row if isinstance(row, dict) else dict(zip(COLUMNS, row.cells(), strict=True)) for row in piece]
        indices = sorted({row["index"] for row in rows})
        if len(indices) != 1:
            raise ValueError(f"shard line: rows of the examples {indices}; must be of exactly one example")
        return rows


class Finished(Mapping[int, list[Row]]):
    """Finished examples: their rows by index, in the order of the shards. Rows are created when they are read.

    Args:
        columns: Columns of all rows; empty if there is none.
        sizes: ``(examples,)`` number of rows of each example.
        indices: ``(examples,)`` index of each example, different.
        bytes_read: Size of the finished lines of each shard in bytes.
    """

    def __init__(
        self,
        columns: dict[str, NDArray[Any]],
        sizes: Sequence[int],
        indices: Sequence[int],
        bytes_read: Mapping[Path, int],
    ) -> None:
        self.bytes_read = bytes_read
        self._columns = columns
        self._starts = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))])
        self._places = {index: place for place, index in enumerate(indices)}

    @property
    def rows(self) -> int:
        """Number of rows of all examples."""
        return int(self._starts[-1])

    def suspects(self) -> bool:
        """Return whether a `Row` may refuse the values of any row."""
        return bool(self.rows and suspects(self._columns, self.rows).any())

    def certified(self, radius: float) -> Counter[str]:
        """Return the number of examples that are correct and certified at a radius, by certifier."""
        if not self.rows:
            return Counter()
        names = self._columns["certifier"]
        holds = self._columns["correct"] & (self._columns["radius"] >= radius)
        counted = Counter(dict.fromkeys(names.tolist(), 0))
        counted.update(names[holds].tolist())
        return counted

    def table(self) -> Table:
        """Return all rows as a table.

        Raises:
            ValueError: If they are no table; see `Table`.
        """
        return Table.from_columns(self._columns) if self.rows else Table([])

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices."""
        return iter(self._places)

    def __contains__(self, index: object) -> bool:
        """Return whether an example is finished."""
        return index in self._places

    def __getitem__(self, index: int) -> list[Row]:
        """Return the rows of one example, in the order of its line."""
        start, stop = self._starts[self._places[index] :][:2]
        columns = [column[start:stop].tolist() for column in self._columns.values()]
        return [Row(**dict(zip(COLUMNS, cells, strict=True))) for cells in zip(*columns, strict=True)]


def read_shards(directory: str | Path) -> Finished:
    """Read the finished examples of all shards in a directory; see `read_journals`.

    Args:
        directory: Folder of the shards. If it contains none, nothing is finished.

    Returns:
        Rows by index of the example, in the order of the certifiers.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, or if an example has two different lines.
    """
    with no_collection():
        try:
            plain = _finished(directory, _plain_columns)
            if not plain.suspects():
                return plain
        except ValueError:
            pass
        # One by one, since the first line that is damaged must be named.
        return _finished(directory, _checked_columns)


_Part = dict[str, tuple[NDArray[Any], NDArray[np.bool_]]]
"""Values and mask of each column."""


def _finished(directory: str | Path, convert: Callable[[Batch[int, list[Any]], dict[str, str]], _Part]) -> Finished:
    """Return the finished examples.

    Args:
        directory: Folder of the shards.
        convert: Returns the columns of some lines. Equal texts are stored once.
    """
    parts: list[_Part] = []
    indices, counts = array("q"), array("q")
    texts: dict[str, str] = {}
    sizes: dict[Path, int] = {}
    for batch in read_journals(directory, _NAME, _PIECE, _read, sizes):
        parts.append(convert(batch, texts))
        indices.extend(batch.keys)
        counts.extend(map(len, batch.pieces))
    columns = {}
    for name, kind in COLUMNS.items() if parts else ():
        values, masks = zip(*(part.pop(name) for part in parts), strict=True)
        joined = np.concatenate(values)
        columns[name] = np.ma.MaskedArray(joined, np.concatenate(masks)) if kind.optional else joined
    return Finished(columns, counts, indices, sizes)


def _read(content: Any) -> tuple[int, list[Any]]:
    rows = list(content)
    index = rows[0]["index"]
    if type(index) is not int:
        index = Row(**rows[0]).index
    if index.bit_length() > 63:
        raise ValueError(f"index = {index}; must be below 2^63")
    return index, rows


def _checked_columns(batch: Batch[int, list[Any]], texts: dict[str, str]) -> _Part:
    """Return the columns of some lines, with a `Row` per row.

    Raises:
        ValueError: If a line is damaged, naming it.
    """
    checked = []
    for place, example in enumerate(batch.pieces):
        try:
            checked += [Row(**row).cells() for row in example]
            for cells in checked[-len(example) :]:
                for kind, value in zip(COLUMNS.values(), cells, strict=True):
                    kind.column([value])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise damaged(batch.where(place), error, _PIECE) from None
    found = {}
    for (name, kind), cells in zip(COLUMNS.items(), zip(*checked, strict=True), strict=True):
        column = kind.column([texts.setdefault(cell, cell) for cell in cells] if kind is TEXT else cells)
        found[name] = np.ma.getdata(column), np.ma.getmaskarray(column)
    return found


_TYPES: dict[Any, set[type]] = {
    INTEGER.dtype: {int},
    NUMBER.dtype: {int, float},
    FLAG.dtype: {bool},
    TEXT.dtype: {str},
}
"""JSON types of the values of a column, by its NumPy type."""

_MISSING = type(None)

_CELLS = itemgetter(*COLUMNS)


def _plain_columns(batch: Batch[int, list[Any]], texts: dict[str, str]) -> _Part:
    """Return the columns of some lines without creating a `Row`. Ranges of values are not checked.

    Raises:
        ValueError: If a column is missing, or a value has another type.
    """
    rows = list(chain.from_iterable(batch.pieces))
    number = len(rows)
    given = np.zeros(number, np.bool_)
    found = {}
    try:
        if {*map(len, rows)} != {len(COLUMNS)}:
            raise ValueError("other columns")
        for (name, kind), cells in zip(COLUMNS.items(), zip(*map(_CELLS, rows), strict=True), strict=True):
            values: Sequence[Any] = cells
            types = {*map(type, values)}
            mask = given
            if kind.optional and _MISSING in types:
                types.remove(_MISSING)
                mask = np.ones(number, np.bool_) if not types else np.array([value is None for value in values])
                values = [0] * number if not types else [0 if value is None else value for value in values]
            elif kind is TEXT:
                values = list(map(texts.setdefault, values, values))
            if not types <= _TYPES[kind.dtype]:
                raise ValueError(f"{name}: other types")
            found[name] = np.array(values, kind.dtype), mask
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError("other values") from error
    return found
