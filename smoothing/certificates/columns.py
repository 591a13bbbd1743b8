"""Fast reading of whole text tables by columns. Every table that is not plain is left to the line reader."""

import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT, ColumnType

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
    if b'"' not in data:
        return _read_unquoted(data, len(ends) - 1, delimiter, columns)
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


def _read_unquoted(
    data: bytes, rows: int, delimiter: str, columns: Mapping[str, ColumnType]
) -> dict[str, NDArray[Any]] | None:
    """Read a table without quotes; see `read_columns`.

    The positions of delimiters and line ends are the ends of all cells. Whole numbers and flags are read from their
    digits, with no other spelling. pandas reads numbers, in a subset of the spellings of `float` with the same values,
    and texts. All other cells are parsed one by one.
    """
    import pandas as pd

    body = data.index(b"\n") + 1
    characters = np.frombuffer(data, np.uint8)[body:]
    ends = np.flatnonzero((characters == ord("\n")) | (characters == ord(delimiter)))
    if len(ends) != rows * len(columns):
        return None
    last = characters[ends].reshape(rows, -1) == ord("\n")
    if not last[:, -1].all() or last[:, :-1].any():
        return None
    # One row of the array per column of the table. Small integers halve the memory traffic.
    stops = np.ascontiguousarray(ends.astype(np.int32 if len(characters) < 2**31 else np.int64).reshape(rows, -1).T)
    before = np.append(np.array([-1], stops.dtype), stops[-1, :-1])
    by_digits = {name for name, kind in columns.items() if kind.parse in (INTEGER.parse, FLAG.parse)}
    floats = {name for name, kind in columns.items() if kind.parse is NUMBER.parse}
    dtypes = {
        name: "float64" if name in floats else "category" if kind is TEXT else "object"
        for name, kind in columns.items()
        if name not in by_digits
    }
    try:
        with warnings.catch_warnings():
            # pandas 3 reads every number exactly and deprecates the option that earlier releases need for it.
            warnings.filterwarnings("ignore", ".*float_precision.*")
            frame = pd.read_csv(
                BytesIO(data),
                sep=delimiter,
                engine="c",
                usecols=list(dtypes),
                dtype=dtypes,
                keep_default_na=False,
                na_values={name: [""] for name in floats},
                float_precision="round_trip",
                skip_blank_lines=False,
                low_memory=False,
            )
        if len(frame) != rows:
            return None
        found: dict[str, NDArray[Any]] = {}
        for place, (name, kind) in enumerate(columns.items()):
            start = (stops[place - 1] if place else before) + 1
            width = stops[place] - start
            if not kind.optional and kind is not TEXT and not width.all():
                return None
            if name in by_digits:
                values = _read_digits(characters, start, width, kind)
            elif name in floats:
                values = np.where(width > 0, frame[name].to_numpy(), 0) if kind.optional else frame[name].to_numpy()
            elif kind is TEXT:
                texts, codes = frame[name].cat.categories.tolist(), frame[name].cat.codes.to_numpy()
                if (codes < 0).any() or not all(isinstance(text, str) for text in texts):
                    return None
                found[name] = kind.column(texts)[codes]
                continue
            else:
                found[name] = _parse(kind, frame[name].tolist(), distinct=True)
                continue
            if values is None:
                return None
            found[name] = np.ma.MaskedArray(values, width == 0) if kind.optional else values
    except (ValueError, KeyError, OverflowError, pd.errors.ParserError):
        return None
    return found


def _read_digits(
    characters: NDArray[np.uint8], starts: NDArray[np.integer], widths: NDArray[np.integer], kind: ColumnType
) -> NDArray[Any] | None:
    """Return the numbers in cells of decimal digits, with or without a minus sign, and 0 for empty cells.

    Args:
        characters: The characters of the table.
        starts: ``(rows,)`` position of the first character of each cell.
        widths: ``(rows,)`` number of characters.
        kind: Type of the column.

    Returns:
        The column, or None if a cell contains another character or more than 18 characters.
    """
    narrowest, widest = int(widths.min()), int(widths.max())
    largest = 1 if kind.dtype is np.bool_ else 9
    if widest > (1 if largest == 1 else _DIGITS):
        return None
    values = np.zeros(len(starts), np.int64)
    negative = (characters[starts] == ord("-")) & (widths > 1) if widest > 1 else np.zeros(1, np.bool_)
    for place in range(widest):
        rows = slice(None) if place < narrowest else np.flatnonzero(widths > place)
        # Unsigned: characters below the digits become large.
        digits = characters[starts[rows] + place] - np.uint8(ord("0"))
        if place == 0 and negative.any():
            digits[negative[rows]] = 0
        if digits.max() > largest:
            return None
        values[rows] = 10 * values[rows] + digits
    if negative.any():
        values[negative] *= -1
    return values.astype(kind.dtype)


_DIGITS = 18
"""Largest number of characters of a cell that is read by its digits. Every such number is an int64."""


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
