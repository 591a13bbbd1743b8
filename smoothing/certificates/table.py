"""The certificate table: one row per example and certifier."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smoothing.certificates.cells import (
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    ColumnType,
    optional,
    read_header,
    read_records,
    write_columns,
)
from smoothing.certificates.certificates import Attacked, AttackedClassifier, Certificates, SmoothedClassifier
from smoothing.certificates.columns import read_columns
from smoothing.certificates.set_cells import is_set

_CLASSIFIERS = get_args(SmoothedClassifier) + get_args(AttackedClassifier)
_WHOLE = ("index", "label", "prediction")
_COUNTS = ("n_a", "n_b", "n", "n0")

_SETS = "0 for the prediction and whole numbers above the radius for the other classes"

NAME = "a name of at least one character and without '/'"
"""Allowed names of certifiers. Loggers use the name as a part of keys, and ``/`` separates the parts."""


def is_name(text: str) -> bool:
    """Return whether a text is allowed as the name of a certifier."""
    return bool(text.strip()) and "/" not in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The certificate of one test example by one certifier. Values that a certifier does not compute are None.

    Attributes:
        index: Position of the example in the test set, at least 0.
        certifier: Name of the certifier in its run, at least one character and no ``/``.
        label: True class, at least 0.
        prediction: Predicted class, -1 where the certifier abstains.
        radius: Certified radius in units of the distance of the measure, at least 0. Nothing is certified at 0.
        correct: Whether ``prediction`` equals ``label``. Abstentions are wrong.
        log_fail: Upper bound on log of the probability that the predicted class loses.
        log_rival: Upper bound on log of the probability of the strongest rival.
        n_a: Count of the predicted class among ``n`` draws, at least 0.
        n_b: Count of the most frequent other class among ``n`` draws, at least 0.
        n: Number of draws that bound the vote, at least 0.
        n0: Number of draws that select the class, at least 0.
        alpha: Failure probability, within (0, 1).
        classifier: Smoothed classifier that is certified, ``"mean"``, ``"majority"`` (THEORY.md 4.2) or ``"run-off"``;
            or the one that is attacked, ``"attacked mean"`` or ``"attacked base"``.
        deterministic: Whether the certificate holds with probability one; otherwise with ``1 - alpha``.
        sound: Whether all rounding errors make the radius smaller, never larger.
        assumptions: Assumptions under which the certificate holds, phrases joined by ``"; "``.
        flips_to: For each class in order, separated by spaces, a lower bound on the number of changes after which it is
            the answer: 0 for the prediction, and more than the radius for every other class.

    Raises:
        ValueError: If a value is not as described.
    """

    index: int
    certifier: str
    label: int
    prediction: int
    radius: float
    correct: bool
    log_fail: float | None = None
    log_rival: float | None = None
    n_a: int | None = None
    n_b: int | None = None
    n: int | None = None
    n0: int | None = None
    alpha: float | None = None
    classifier: str
    deterministic: bool
    sound: bool
    assumptions: str = ""
    flips_to: str | None = None

    def cells(self) -> tuple[Any, ...]:
        """Return the values in the order of `COLUMNS`."""
        return _cells(self)

    def __post_init__(self) -> None:
        """Raise if a value is not as described."""
        conditions = (
            *((name, isinstance(getattr(self, name), Integral), "a whole number") for name in _WHOLE),
            ("certifier", is_name(self.certifier), NAME),
            ("index", self.index >= 0, "at least 0"),
            ("label", self.label >= 0, "at least 0"),
            ("prediction", self.prediction >= -1, "a class, or -1 to abstain"),
            *((name, (getattr(self, name) or 0) >= 0, "at least 0") for name in _COUNTS),
            ("radius", self.radius >= 0, "at least 0"),
            ("radius", self.prediction >= 0 or self.radius == 0, "0 where the certifier abstains"),
            ("correct", self.correct == (self.prediction == self.label), "whether prediction equals label"),
            ("alpha", self.alpha is None or 0 < self.alpha < 1, "within (0, 1)"),
            ("assumptions", isinstance(self.assumptions, str), "text"),
            ("classifier", self.classifier in _CLASSIFIERS, " or ".join(_CLASSIFIERS)),
            ("flips_to", self.flips_to is None or is_set(self.flips_to, self.prediction, self.radius), _SETS),
        )
        for name, holds, allowed in conditions:
            if not holds:
                where = f"example {self.index}, certifier {self.certifier}"
                raise ValueError(f"{where}: {name} = {getattr(self, name)}; must be {allowed}")


_KINDS: dict[Any, ColumnType] = {
    int: INTEGER,
    float: NUMBER,
    bool: FLAG,
    str: TEXT,
    int | None: optional(INTEGER),
    float | None: optional(NUMBER),
    str | None: optional(TEXT),
}

COLUMNS: dict[str, ColumnType] = {name: _KINDS[hint] for name, hint in get_type_hints(Row).items()}
"""Type of every column of the table, in order."""

WITHOUT_SETS = {name: kind for name, kind in COLUMNS.items() if name != "flips_to"}
"""Columns of the file of a table without certified sets."""

_cells = attrgetter(*COLUMNS)


def rows(certifier: str, results: Certificates | Attacked, index: ArrayLike, label: ArrayLike) -> list[Row]:
    """Join the certificates of one batch with its indices and labels.

    Args:
        certifier: Name of the certifier or attack in its run.
        results: Its results, ``(batch,)`` columns.
        index: ``(batch,)`` position of each example in the test set.
        label: ``(batch,)`` true classes.

    Raises:
        ValueError: If the columns differ in length, or a value is not allowed in a `Row`.
    """
    return [Row(**record) for record in records(certifier, results, index, label)]


def records(
    certifier: str, results: Certificates | Attacked, index: ArrayLike, label: ArrayLike
) -> list[dict[str, Any]]:
    """Join the certificates of one batch as `rows` does, and return the checked values of each row by column."""
    phrases = "; ".join(dict.fromkeys(results.assumptions))
    batch = len(results.prediction)
    columns = results.columns()
    shared = {name: columns.pop(name) for name in _ONE_PER_BATCH & columns.keys()}
    columns |= {"index": index, "label": label, "radius": np.asarray(columns["radius"], np.float64)}
    arrays = {name: np.asarray(column) for name, column in columns.items() if column is not None}
    for name, values in arrays.items():
        if values.shape != (batch,):
            raise ValueError(f"certificates of {certifier}: {name} has shape {values.shape}; must be ({batch},)")
    arrays["correct"] = arrays["prediction"] == arrays["label"]
    constant = {"certifier": certifier, "assumptions": phrases, **shared}
    lists = [arrays[name].tolist() if name in arrays else [constant.get(name)] * batch for name in COLUMNS]
    joined = [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*lists, strict=True)]
    if joined:
        checked = {**dict.fromkeys(_COUNTS), **{name: np.array([value]) for name, value in constant.items()}, **arrays}
        for place in suspects({name: checked.get(name) for name in COLUMNS}, batch).nonzero()[0]:
            Row(**joined[place])
    return joined


_ONE_PER_BATCH = {"n0", "alpha", "classifier", "deterministic", "sound"}


def suspects(columns: Mapping[str, NDArray[Any] | None], number: int) -> NDArray[np.bool_]:
    """Return where a `Row` may refuse its values, ``(number,)``. All other rows are as `Row` describes.

    Args:
        columns: Columns by name, ``(number,)`` or ``(1,)``; None if all values are missing.
        number: Number of rows.
    """
    wrong = np.zeros(number, np.bool_)

    def column(name: str, missing: float) -> NDArray[Any]:
        values = columns[name]
        return np.full(1, missing) if values is None else np.asarray(np.ma.filled(values, missing))

    def is_number(values: NDArray[Any], kinds: str) -> bool:
        return values.dtype.kind in kinds

    if not all(is_number(column(name, 0), "iu") for name in _WHOLE):
        return ~wrong
    # Constants of a batch may be None, which is not a number.
    optional_values = [column(name, 0) for name in _COUNTS if _is_given(columns[name])]
    alpha = column("alpha", 0.5) if _is_given(columns["alpha"]) else np.full(1, 0.5)
    if not all(is_number(values, "iuf") for values in (*optional_values, alpha)):
        return ~wrong
    index, label, prediction = (column(name, 0) for name in _WHOLE)
    radius, correct = column("radius", 0), column("correct", 0)
    for name, holds in (("certifier", is_name), ("classifier", _CLASSIFIERS.__contains__)):
        texts = column(name, 0)
        if refused := {text for text in set(texts.tolist()) if not holds(text)}:
            wrong |= np.array([text in refused for text in texts.tolist()])
    for values in optional_values:
        wrong |= ~(values >= 0)
    wrong |= (index < 0) | (label < 0) | (prediction < -1) | ~(radius >= 0) | ~((alpha > 0) & (alpha < 1))
    wrong |= ((prediction < 0) & (radius != 0)) | (correct != (prediction == label))
    sets = columns.get("flips_to")
    if sets is not None and not np.ma.getmaskarray(sets).all():
        wide = np.broadcast_arrays(np.ma.filled(sets, None), prediction, radius, wrong)[:3]
        cells = zip(*(part.tolist() for part in wide), strict=True)
        wrong |= [text is not None and not (type(text) is str and is_set(text, *rest)) for text, *rest in cells]
    return wrong


def _is_given(values: NDArray[Any] | None) -> bool:
    return values is not None and not (values.dtype == object and values.size == 1 and values[0] is None)


class Table:
    """Table of certificates, sorted by example. All examples have the same certifiers, in the same order.

    ``table["radius"]`` is a column of shape ``(len(table),)``. Columns with optional values are masked arrays.

    Args:
        rows: At least one row. Examples may be in any order. Certifiers are in the order of the example with the
            smallest index.

    Attributes:
        certifiers: Names of the certifiers, in order.

    Raises:
        ValueError: If there is no row, or an example does not have exactly one row of every certifier.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        given: list[Any] = list(rows)
        if not given:
            raise ValueError(_NO_ROWS)
        if other := [row for row in given if not isinstance(row, Row)]:
            raise ValueError(f"certificate table: row = {other[0]!r}; must be a Row")
        columns = zip(*(row.cells() for row in given), strict=True)
        self._fill({name: kind.column(values) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)})

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray[Any]]) -> "Table":
        """Create a table from columns.

        Args:
            columns: Every column of `COLUMNS`, ``(rows,)``, of its NumPy type; masked arrays where values are optional.
                ``flips_to`` may be absent.

        Raises:
            ValueError: If a value is not allowed in a `Row`, or as the constructor does.
        """
        number = len(columns["index"])
        ordered = {name: columns[name] for name in WITHOUT_SETS}
        ordered["flips_to"] = columns.get("flips_to", np.ma.MaskedArray(np.zeros(number, np.object_), True))
        if not number:
            raise ValueError(_NO_ROWS)
        for place in suspects(ordered, number).nonzero()[0]:
            Row(**{name: column[place : place + 1].tolist()[0] for name, column in ordered.items()})
        table = object.__new__(cls)
        table._fill(ordered)
        return table

    def _fill(self, columns: dict[str, NDArray[Any]]) -> None:
        """Sort the rows by example and certifier. Raise unless every example has one row of every certifier."""
        index, names = columns["index"], columns["certifier"].tolist()
        first = index.min()
        self.certifiers = tuple(dict.fromkeys(names[place] for place in (index == first).nonzero()[0]))
        each = len(self.certifiers)
        whole = not len(index) % each
        if whole and _is_sorted(index, columns["certifier"], self.certifiers):
            self._columns = columns
            return
        # An unknown certifier is sorted behind the others.
        places = {name: place for place, name in enumerate(self.certifiers)}
        place = np.fromiter((places.get(name, each) for name in names), np.int64, len(names))
        order = np.lexsort((place, index))
        if not np.array_equal(order, np.arange(len(order))):
            columns = {name: column[order] for name, column in columns.items()}
            index, place = columns["index"], place[order]
        whole = whole and (place.reshape(-1, each) == np.arange(each)).all()
        examples = index[::each]
        if not whole or (np.diff(examples) == 0).any() or not np.array_equal(np.repeat(examples, each), index):
            _raise_incomplete(index, columns["certifier"], self.certifiers)
        self._columns = columns

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """Type of every column by name, without ``flips_to`` if no row has certified sets."""
        return WITHOUT_SETS if np.ma.getmaskarray(self._columns["flips_to"]).all() else COLUMNS

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._columns["index"])

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Return a column by name, ``(len(self),)``."""
        return self._columns[column]

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows, in order."""
        for values in self._records():
            yield Row(**dict(zip(COLUMNS, values, strict=True)))

    def of(self, certifier: str) -> "Table":
        """Return the rows of one certifier.

        Raises:
            ValueError: If the table has no such certifier.
        """
        if certifier not in self.certifiers:
            raise ValueError(f"certifier: {certifier}; must be one of {', '.join(self.certifiers)}")
        part = object.__new__(Table)
        part.certifiers = (certifier,)
        chosen = slice(self.certifiers.index(certifier), None, len(self.certifiers))
        part._columns = {name: column[chosen] for name, column in self._columns.items()}
        return part

    def write_csv(self, path: str | Path) -> None:
        """Write a CSV file. Floats keep every bit, flags are 0 or 1, missing values are empty.

        The column ``flips_to`` is left out if no row has certified sets.
        """
        write_columns(path, ",", self.columns, self._columns)

    @classmethod
    def read_csv(cls, path: str | Path) -> "Table":
        """Read a table that `write_csv` wrote.

        Raises:
            ValueError: If the file is damaged, naming the file, the line and the allowed values.
        """
        kinds = COLUMNS if read_header(path, ",") == list(COLUMNS) else WITHOUT_SETS
        columns = read_columns(path, ",", kinds, _DISTINCT)
        return from_file(columns) or assemble(path, read_records(path, ",", kinds))

    def _records(self) -> Iterator[tuple[Any, ...]]:
        return zip(*(column.tolist() for column in self._columns.values()), strict=True)


def assemble(path: str | Path, lines: Iterable[tuple[str, dict[str, Any]]]) -> Table:
    """Create a table from the lines of a file.

    Args:
        path: The file, for messages.
        lines: Location of each line, and the values of its row by name.

    Raises:
        ValueError: If a row or the table is not allowed, naming the file, the line if there is one, and the reason.
    """
    found = []
    for where, values in lines:
        try:
            found.append(Row(**values))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    try:
        return Table(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def from_file(columns: Mapping[str, NDArray[Any]] | None) -> Table | None:
    """Create a table from columns of a file, or return None if they are not allowed. `assemble` gives the reason."""
    if columns is None:
        return None
    try:
        return Table.from_columns(columns)
    except ValueError:
        return None


def _is_sorted(index: NDArray[Any], names: NDArray[Any], certifiers: tuple[str, ...]) -> bool:
    """Return whether examples are ascending and each has one row of every certifier, in order."""
    examples = index.reshape(-1, len(certifiers))
    ordered = (np.diff(examples[:, 0]) > 0).all() and (examples == examples[:, :1]).all()
    return bool(ordered and (names.reshape(-1, len(certifiers)) == np.array(certifiers, object)).all())


_DISTINCT = frozenset({"index", "radius", "log_fail", "log_rival", "flips_to"})
"""Columns that usually have a different value in every row."""

_NO_ROWS = "certificate table: no rows; at least one example must be certified"


def _raise_incomplete(index: NDArray[Any], names: NDArray[Any], certifiers: tuple[str, ...]) -> NoReturn:
    """Raise for the first example that does not have exactly one row of every certifier.

    Args:
        index: ``(rows,)`` ascending.
        names: ``(rows,)`` certifiers, in the order of `certifiers` within an example.
        certifiers: Certifiers that every example must have.
    """
    for example in np.unique(index):
        found = tuple(names[index == example])
        if found != certifiers:
            raise ValueError(
                f"example {example}: has rows of {', '.join(found)}; must have one of each of {', '.join(certifiers)}"
            )
    raise AssertionError("every example is complete")
