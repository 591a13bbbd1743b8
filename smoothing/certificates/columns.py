"""Fast reading of whole text tables by columns. Every table that is not plain is left to the line reader."""

import warnings
from collections.abc import Collection, Mapping
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

ROWS_AT_A_TIME, CHARACTERS_AT_A_TIME = 2**14, 2**20
"""Lines and characters that are searched at a time: few enough to stay in a core's cache."""


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
    ends = _places(np.frombuffer(data, np.uint8), "\n")
    if np.diff(ends).max(initial=0) > MAX_LINE:
        return None
    if b'"' not in data:
        return _read_unquoted(data, ends, delimiter, columns)
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


def _places(characters: NDArray[np.uint8], character: str) -> NDArray[np.intp]:
    """Return the positions of a character."""
    starts = range(0, len(characters), CHARACTERS_AT_A_TIME)
    parts = (characters[start : start + CHARACTERS_AT_A_TIME] == ord(character) for start in starts)
    return np.concatenate([start + np.flatnonzero(part) for start, part in zip(starts, parts, strict=True)])


def _read_unquoted(
    data: bytes, ends: NDArray[np.intp], delimiter: str, columns: Mapping[str, ColumnType]
) -> dict[str, NDArray[Any]] | None:
    """Read a table without quotes; see `read_columns`.

    Whole numbers and flags are read from their digits, with no other spelling. pandas reads numbers, in a subset of the
    spellings of `float` with the same values, and texts. All other cells are parsed one by one.

    Args:
        data: The file.
        ends: ``(rows + 1,)`` positions of the line ends.
        delimiter: Separator of cells.
        columns: Type of every column.
    """
    import pandas as pd

    rows = len(ends) - 1
    by_digits = {name for name, kind in columns.items() if kind.parse in (INTEGER.parse, FLAG.parse)}
    floats = {name for name, kind in columns.items() if kind.parse is NUMBER.parse}
    dtypes = {
        name: "float64" if name in floats else "category" if kind is TEXT else "object"
        for name, kind in columns.items()
        if name not in by_digits
    }
    found = _read_digits(np.frombuffer(data, np.uint8), ends, delimiter, columns, by_digits)
    if found is None:
        return None
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
        for name in dtypes:
            kind, cells = columns[name], frame[name]
            if name in floats:
                values = cells.to_numpy()
                # pandas reads NaN from an empty cell only.
                empty = np.isnan(values)
                if empty.any() and not kind.optional:
                    return None
                found[name] = np.ma.MaskedArray(np.where(empty, 0, values), empty) if kind.optional else values
            elif kind is TEXT:
                texts, codes = cells.cat.categories.tolist(), cells.cat.codes.to_numpy()
                if (codes < 0).any() or not all(isinstance(text, str) for text in texts):
                    return None
                found[name] = kind.column(texts)[codes]
            else:
                found[name] = _parse(kind, cells.tolist(), distinct=True)
    except (ValueError, KeyError, OverflowError, pd.errors.ParserError):
        return None
    return found


def _read_digits(
    characters: NDArray[np.uint8],
    ends: NDArray[np.intp],
    delimiter: str,
    columns: Mapping[str, ColumnType],
    chosen: Collection[str],
) -> dict[str, NDArray[Any]] | None:
    """Return columns of whole numbers and flags, read from the positions of their cells.

    Args:
        characters: The characters of the table.
        ends: ``(rows + 1,)`` positions of the line ends.
        delimiter: Separator of cells.
        columns: Type of every column.
        chosen: Names of the columns to read.

    Returns:
        The columns by name, or None if a line has another number of cells, or a cell is not of digits.
    """
    rows = len(ends) - 1
    found = {name: np.empty(rows, columns[name].dtype) for name in chosen}
    empty = {name: np.empty(rows, np.bool_) for name in chosen if columns[name].optional}
    for top in range(0, rows, ROWS_AT_A_TIME):
        some = slice(top, min(top + ROWS_AT_A_TIME, rows))
        first = ends[top] + 1
        block = characters[first : ends[some.stop] + 1]
        stops = np.flatnonzero((block == ord("\n")) | (block == ord(delimiter)))
        if len(stops) != (some.stop - top) * len(columns):
            return None
        # One row of the array per column of the table.
        stops = np.ascontiguousarray(stops.reshape(-1, len(columns)).T)
        if not np.array_equal(stops[-1], ends[top + 1 : some.stop + 1] - first):
            return None
        before = np.append(-1, stops[-1, :-1])
        for place, (name, kind) in enumerate(columns.items()):
            if name not in found:
                continue
            start = (stops[place - 1] if place else before) + 1
            width = stops[place] - start
            values = _digits(block, start, width, 1 if kind.dtype is np.bool_ else 9)
            if values is None or not (kind.optional or width.all()):
                return None
            found[name][some] = values
            if name in empty:
                empty[name][some] = width == 0
    return {name: np.ma.MaskedArray(values, empty[name]) if name in empty else values for name, values in found.items()}


def _digits(
    characters: NDArray[np.uint8], starts: NDArray[np.integer], widths: NDArray[np.integer], largest: int
) -> NDArray[np.integer] | None:
    """Return the numbers in cells of decimal digits, with or without a minus sign, and 0 for empty cells.

    Args:
        characters: The characters of some lines.
        starts: ``(rows,)`` position of the first character of each cell.
        widths: ``(rows,)`` number of characters.
        largest: Largest digit, 9; or 1 for cells of one digit.

    Returns:
        The column, or None if a cell contains another character or more than 18 characters.
    """
    narrowest, widest = int(widths.min()), int(widths.max())
    if widest > (1 if largest == 1 else _DIGITS):
        return None
    if not widest:
        return np.zeros(len(starts), np.int64)
    head = characters.take(starts)
    if narrowest == widest == 1:
        digits = head - _ZERO
        return digits if digits.max() <= largest else None
    values = np.zeros(len(starts), np.int64)
    negative = (head == ord("-")) & (widths > 1)
    for place in range(widest):
        rows = slice(None) if place < narrowest else np.flatnonzero(widths > place)
        # Unsigned: characters below the digits become large.
        digits = characters[starts[rows] + place] - _ZERO
        if place == 0 and negative.any():
            digits[negative[rows]] = 0
        if digits.max() > largest:
            return None
        values[rows] = 10 * values[rows] + digits
    if negative.any():
        values[negative] *= -1
    return values


_ZERO = np.uint8(ord("0"))

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
