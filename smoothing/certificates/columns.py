"""Fast reading of whole text tables by columns. Every table that is not plain is left to the line reader."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import TEXT, ColumnType

LARGE = 100_000
"""Smallest size in bytes of a file that is read by columns. For smaller files, importing pandas takes too long."""

MAX_LINE = 4_000
"""Longest line in bytes. The limits of `int` on digits and of `csv` on the length of a cell are larger."""


def read_columns(
    path: str | Path, delimiter: str, columns: Mapping[str, ColumnType], distinct: frozenset[str] = frozenset()
) -> dict[str, NDArray[Any]] | None:
    """Read a table by columns, with the values that `read_records` reads.

    pandas splits the file into cells of text. The parser of each column then reads the cells, as in `read_records`, so
    that pandas decides about no value. pandas also accepts lines with missing cells and text behind a closing quote.
    Both are excluded by counts: a table has as many delimiters, line ends and quotes as its cells imply.

    Args:
        path: The file, in UTF-8, with the column names in the first line.
        delimiter: Separator of cells.
        columns: Type of every column, in their order in the file.
        distinct: Columns with mostly different values. In all other columns every different text is parsed once.

    Returns:
        The columns by name, or None if the file is small or not of this form. `read_records` then decides.
    """
    data = Path(path).read_bytes()
    header = (delimiter.join(columns) + "\n").encode()
    if len(data) < LARGE or not data.startswith(header) or not data.endswith(b"\n"):
        return None
    if b"\r" in data or b"\0" in data:
        return None
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    if np.diff(ends).max(initial=0) > MAX_LINE:
        return None
    # Imported here, since the import takes half a second, which small tables need not wait for.
    import pandas as pd

    try:
        frame = pd.read_csv(
            BytesIO(data),
            sep=delimiter,
            engine="c",
            # pandas would turn categories of numbers into numbers.
            dtype={name: "category" if kind is TEXT else "object" for name, kind in columns.items()},
            na_filter=False,
            skip_blank_lines=False,
            low_memory=False,
        )
        # A first line with too many cells makes pandas take its first cells for row labels.
        if list(frame.columns) != list(columns) or not isinstance(frame.index, pd.RangeIndex):
            return None
        if len(frame) != len(ends) - 1:
            return None
        found, inside = {}, 0
        for name, kind in columns.items():
            cells = frame.pop(name)
            if cells.dtype == object:
                found[name] = _parse(kind, cells.tolist(), name in distinct)
                continue
            texts, codes = cells.cat.categories.tolist(), cells.cat.codes.to_numpy()
            if (codes < 0).any() or not all(isinstance(text, str) for text in texts):
                return None
            if any('"' in text or "\n" in text or delimiter in (text[:1], text[-1:]) for text in texts):
                return None
            times = np.bincount(codes, minlength=len(texts)).tolist()
            inside += sum(text.count(delimiter) * count for text, count in zip(texts, times, strict=True))
            found[name] = kind.column(texts)[codes]
    except (ValueError, KeyError, OverflowError, pd.errors.ParserError):
        return None
    if data.count(delimiter.encode()) != len(ends) * (len(columns) - 1) + inside:
        return None
    return found if _are_quotes_outside(data, delimiter) else None


def _parse(kind: ColumnType, texts: list[str], distinct: bool) -> NDArray[Any]:
    """Return the column of some texts. Unless they are mostly different, every different text is parsed once."""
    if distinct and not kind.optional:
        return kind.column(list(map(kind.parse, texts)))
    different = set(texts)
    if not distinct or len(different) == 1:
        values = {text: kind.read(text) for text in different}
        if not kind.optional:
            return kind.column([values[text] for text in texts])
        data = {text: kind.dtype(0) if value is None else value for text, value in values.items()}
        return np.ma.MaskedArray([data[text] for text in texts], [not text for text in texts], kind.dtype)
    return kind.column([kind.read(text) for text in texts])


def _are_quotes_outside(data: bytes, delimiter: str) -> bool:
    """Return whether every quote opens or closes a whole cell, given that no cell contains or touches one inside."""
    quotes = data.count(b'"')
    if not quotes:
        return True
    ends = (delimiter.encode(), b"\n")
    return quotes == sum(data.count(end + b'"') + data.count(b'"' + end) for end in ends)
