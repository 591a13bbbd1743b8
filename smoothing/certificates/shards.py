"""Append-only store of finished examples."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
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
    parts: list[dict[str, NDArray[Any]]] = []
    indices, counts = array("q"), array("q")
    texts: dict[str, str] = {}
    sizes: dict[Path, int] = {}
    with no_collection():
        for batch in read_journals(directory, _NAME, _PIECE, _read, sizes):
            parts.append(_columns(batch, texts))
            indices.extend(batch.keys)
            counts.extend(map(len, batch.pieces))
    columns = {name: _joined([part.pop(name) for part in parts]) for name in COLUMNS} if parts else {}
    return Finished(columns, counts, indices, sizes)


def _read(content: Any) -> tuple[int, list[Any]]:
    rows = list(content)
    index = rows[0]["index"]
    if type(index) is not int:
        index = Row(**rows[0]).index
    if index.bit_length() > 63:
        raise ValueError(f"index = {index}; must be below 2^63")
    return index, rows


def _columns(batch: Batch[int, list[Any]], texts: dict[str, str]) -> dict[str, NDArray[Any]]:
    """Return the columns of some lines.

    Args:
        batch: Rows of every line.
        texts: Texts that earlier lines contain. Equal texts are stored once.

    Raises:
        ValueError: If a line is damaged, naming it.
    """
    rows = list(chain.from_iterable(batch.pieces))
    if found := _plain_columns(rows, texts):
        return found
    checked = []
    for place, example in enumerate(batch.pieces):
        try:
            checked += [Row(**row).cells() for row in example]
            for cells in checked[-len(example) :]:
                for kind, value in zip(COLUMNS.values(), cells, strict=True):
                    kind.column([value])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise damaged(batch.where(place), error, _PIECE) from None
    columns = zip(*checked, strict=True)
    return {name: kind.column(values) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)}


_TYPES: dict[Any, set[type]] = {
    INTEGER.dtype: {int},
    NUMBER.dtype: {int, float},
    FLAG.dtype: {bool},
    TEXT.dtype: {str},
}
"""JSON types of the values of a column, by its NumPy type."""

_MISSING = type(None)

_CELLS = itemgetter(*COLUMNS)


def _plain_columns(rows: Sequence[Any], texts: dict[str, str]) -> dict[str, NDArray[Any]] | None:
    """Return columns without creating a `Row`, or None unless every value is surely allowed."""
    try:
        if {*map(len, rows)} != {len(COLUMNS)}:
            return None
        found = {}
        for (name, kind), values in zip(COLUMNS.items(), zip(*map(_CELLS, rows), strict=True), strict=True):
            types = set(map(type, values))
            if not types <= _TYPES[kind.dtype] | ({_MISSING} if kind.optional else set()):
                return None
            if kind is TEXT:
                found[name] = kind.column(list(map(texts.setdefault, values, values)))
            elif kind.optional and len(types) == 1:
                # All values are given, or all are missing.
                missing = _MISSING in types
                given = np.zeros(len(values)) if missing else values
                found[name] = np.ma.MaskedArray(np.array(given, kind.dtype), np.full(len(values), missing))
            else:
                found[name] = kind.column(values)
        return None if suspects(found, len(rows)).any() else found
    except (TypeError, KeyError, AttributeError, OverflowError):
        return None


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if not isinstance(parts[0], np.ma.MaskedArray):
        return np.concatenate(parts)
    mask = np.concatenate([np.ma.getmaskarray(part) for part in parts])
    return np.ma.MaskedArray(np.concatenate([np.ma.getdata(part) for part in parts]), mask)
