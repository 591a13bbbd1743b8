"""Tables in CSV and Parquet files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from datamodules.base import Examples
from datamodules.features import FeatureModule
from smoothing.arguments import at_least, text
from smoothing.data_folder import VARIABLE, data_file

PARQUET = (".parquet", ".pq")


class TableFile(FeatureModule):
    """A table with a column of labels; all other columns are numbers.

    Labels may be names or numbers. Classes are numbered in ascending order of their names. Features must not depend on
    the labels under attack (THEORY.md 4.5). The program cannot check this, so certificates state it as an assumption.

    Args:
        path: CSV file with a header, or Parquet file (needs pyarrow). A relative path is looked for in the working
            directory, then in the folder that the environment variable ``SMOOTHING_DATA`` names.
        label: Name of the column of labels.
        test: File with the test set, with the same columns; by default every ``test_every``-th row is in the test set.
        test_every: Stride of the test rows by position, at least 2: with 5, rows 4, 9, 14, ...
        drop: Columns that are no features, such as identifiers.
        source: Name of the data set in statements about origins. The default is the name of the file.
        classes: Names of the classes to keep, at least two, in this order. The default is all.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set; see `DataModule`.
        tests: Test set; see `DataModule`.

    Raises:
        ValueError: If a file is not as described, or an argument is out of range.

    Attributes:
        class_names: Names of the classes, in the order of their numbers.
        feature_names: Names of the feature columns.
    """

    def __init__(
        self,
        path: str,
        label: str,
        test: str | None = None,
        test_every: int = 5,
        drop: Sequence[str] = (),
        source: str | None = None,
        classes: Sequence[str | int] | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        text(self, label=label)
        at_least(self, 2, test_every=test_every)
        self.path = data_file(path)
        whole = _read(self.path, label, drop)
        if test is None:
            held = np.arange(len(whole)) % test_every == test_every - 1
            parts = [whole[~held], whole[held]]
        else:
            parts = [whole, _read(data_file(test), label, drop)]
            if list(parts[1].columns) != list(whole.columns):
                raise ValueError(f"TableFile: test = {test}; must have the columns of {self.path.name}, in their order")
        labels = [part.pop(label) for part in parts]
        names = sorted(pd.unique(pd.concat(labels)).tolist(), key=lambda name: (isinstance(name, str), name))
        numbers = {name: number for number, name in enumerate(names)}
        self._parts = [
            (torch.from_numpy(_numbers(part, self.path)), torch.tensor([numbers[name] for name in found.tolist()]))
            for part, found in zip(parts, labels, strict=True)
        ]
        self.feature_names = tuple(map(str, parts[0].columns))
        # Names are known only after the file is read.
        self.source = source or self.path.stem  # type: ignore[misc]
        self.available = range(len(names))  # type: ignore[misc]
        super().__init__(
            self.available if classes is None else _chosen(classes, numbers),
            batch_size,
            num_workers,
            every,
            training,
            tests,
        )
        self.class_names = tuple(str(names[number]) for number in self.classes)
        self.assumptions += (f"features in {self.path.name} do not depend on the labels under attack",)

    def load(self, train: bool) -> Examples:
        """Return features ``(n, k)`` float64 and labels ``(n,)`` int64."""
        return self._parts[0 if train else 1]


def _chosen(classes: Sequence[str | int], numbers: dict[Any, int]) -> list[int]:
    """Return the numbers of some classes. A name is also found if the file holds it as a number."""
    spelled = {str(name): number for name, number in numbers.items()}
    for name in classes:
        if str(name) not in spelled:
            raise ValueError(f"TableFile: classes = {name!r}; must be labels of the file: {', '.join(spelled)}")
    return [spelled[str(name)] for name in classes]


def _read(path: Path, label: str, drop: Sequence[str]) -> pd.DataFrame:
    name = f"TableFile: path = {path}"
    try:
        table = pd.read_parquet(path) if path.suffix in PARQUET else pd.read_csv(path)
    except OSError as error:
        where = f"A relative path is looked for in the working directory, then in the folder that {VARIABLE} names"
        raise ValueError(f"{name}; must be a readable file: {error.strerror or error}. {where}") from error
    except ImportError as error:
        raise ValueError(f"{name}; Parquet files need pyarrow: pip install pyarrow") from error
    except Exception as error:  # damaged files raise many types of exceptions
        raise ValueError(f"{name}; must be a table in CSV or Parquet: {str(error).splitlines()[0]}") from error
    for column in (label, *drop):
        if column not in table.columns:
            raise ValueError(f"{name} has no column {column!r}; must be one of {', '.join(map(str, table.columns))}")
    if table[label].isna().any():
        row = int(table[label].isna().to_numpy().argmax())
        raise ValueError(f"{name}: row {row} has no label in column {label!r}; must have one")
    if not len(table):
        raise ValueError(f"{name} has no row; must have at least one")
    return table.drop(columns=list(drop))


def _numbers(table: pd.DataFrame, path: Path) -> np.ndarray:
    name = f"TableFile: path = {path}"
    if not len(table.columns):
        raise ValueError(f"{name} has no column of features; must have at least one")
    for column in table.columns:
        if table[column].dtype.kind not in "biuf":
            raise ValueError(
                f"{name}: column {column!r} is not numeric; must be numbers. Encode it, or name it in drop"
            )
        if table[column].isna().any():
            raise ValueError(f"{name}: column {column!r} has missing values; must be complete")
    return np.ascontiguousarray(table.to_numpy(np.float64))
