"""Precomputed features in a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from datamodules.base import Examples
from datamodules.features import FeatureModule
from smoothing.data_folder import VARIABLE, data_file

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

TEST_EVERY = 5
"""Stride of test examples by position, in a file with ``X`` and ``y`` alone."""

LARGEST_LABEL = 10**6
"""Largest allowed label. Larger labels are mistakes and would need too much memory."""


class FeatureFile(FeatureModule):
    """Features and labels from an ``.npz`` file.

    The file holds the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``; or ``X`` and ``y``, with the array
    ``test``, ``(n,)`` bool, which is true for test examples. Without ``test``, every fifth example is in the test set.

    Labels are whole numbers from 0. Features must not depend on the labels under attack (THEORY.md 4.5). The program
    cannot check this, so certificates state it as an assumption.

    Args:
        path: The file, ``(n, ...)`` finite numbers and ``(n,)`` labels for each set. A relative path is looked for in
            the working directory, then in the folder that the environment variable ``SMOOTHING_DATA`` names.
        source: Name of the data set in statements about origins. The default is the name of the file.
        classes: Classes to keep, at least two, recoded to ``0 .. K-1`` in this order. The default is all.
        batch_size: Examples per batch, at least 1.
        num_workers: Number of processes that load batches, at least 0.
        every: Stride of the requested test examples, at least 1.
        training: Training set; see `DataModule`.
        tests: Test set; see `DataModule`.

    Raises:
        ValueError: If the file is not as described, or an argument is out of range.
    """

    def __init__(
        self,
        path: str,
        source: str | None = None,
        classes: Sequence[int] | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        self.path = data_file(path)
        self._arrays = _read(self.path)
        # Name and classes are known only after the file is read.
        self.source = source or self.path.stem  # type: ignore[misc]
        labels = np.concatenate([self._arrays["y_train"], self._arrays["y_test"]])
        self.available = range(int(labels.max()) + 1)  # type: ignore[misc]
        chosen = self.available if classes is None else classes
        super().__init__(chosen, batch_size, num_workers, every, training, tests)
        self.assumptions += (f"features in {self.path.name} do not depend on the labels under attack",)

    def load(self, train: bool) -> Examples:
        """Return features ``(n, ...)`` and labels ``(n,)`` int64."""
        part = "train" if train else "test"
        return torch.from_numpy(self._arrays[f"x_{part}"]), torch.from_numpy(self._arrays[f"y_{part}"])


def _split(path: Path, X: np.ndarray, y: np.ndarray, test: np.ndarray | None = None) -> dict[str, np.ndarray]:  # noqa: N803
    """Return the arrays of training and test set."""
    if not X.ndim or y.shape != X.shape[:1]:
        raise ValueError(
            f"FeatureFile: path = {path}: X and y have shapes {list(X.shape)} and {list(y.shape)}; must have one label "
            "per row"
        )
    held = np.arange(len(X)) % TEST_EVERY == TEST_EVERY - 1 if test is None else test
    if held.dtype != bool or held.shape != y.shape:
        raise ValueError(
            f"FeatureFile: path = {path}: test has type {held.dtype} and shape {list(held.shape)}; must be bool, one "
            "per row of X"
        )
    return {"x_train": X[~held], "y_train": y[~held], "x_test": X[held], "y_test": y[held]}


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = ("X", "y", "test")[: 2 + ("test" in file.files)] if {"X", "y"} <= set(file.files) else ARRAYS
            if missing := sorted(set(names) - set(file.files)):
                raise ValueError(f"no array {missing[0]}")
            arrays = {name: file[name] for name in names}
    except OSError as error:
        reason = f"FeatureFile: path = {path}; must be a readable file: {error.strerror or error}"
        where = f"A relative path is looked for in the working directory, then in the folder that {VARIABLE} names"
        raise ValueError(f"{reason}. {where}") from error
    except Exception as error:  # damaged files raise many types of exceptions
        raise ValueError(f"FeatureFile: path = {path}; must contain the arrays {', '.join(ARRAYS)}: {error}") from error
    if "X" in arrays:
        arrays = _split(path, **arrays)
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if y.ndim != 1 or not x.ndim or len(x) != len(y):
            shapes = f"shapes {list(x.shape)} and {list(y.shape)}"
            raise ValueError(
                f"FeatureFile: path = {path}: x_{part} and y_{part} have {shapes}; must have one label per row"
            )
        if y.dtype.kind in "USO":
            raise ValueError(
                f"FeatureFile: path = {path}: y_{part} contains names; must contain whole numbers from 0, as from "
                "np.unique(names, return_inverse=True)[1]. TableFile takes names"
            )
        if y.dtype.kind not in "iu" or (len(y) and not 0 <= y.min() <= y.max() <= LARGEST_LABEL):
            raise ValueError(
                f"FeatureFile: path = {path}: y_{part} must contain whole numbers from 0 to {LARGEST_LABEL}"
            )
        if x.dtype.kind not in "iuf":
            raise ValueError(f"FeatureFile: path = {path}: x_{part} must contain numbers")
        if x.ndim < 2 or 0 in x.shape[1:]:
            raise ValueError(f"FeatureFile: path = {path}: x_{part} has shape {list(x.shape)}; must be rows of numbers")
        # Any type and byte order is converted.
        arrays[f"x_{part}"], arrays[f"y_{part}"] = x.astype(np.float64), y.astype(np.int64)
    if not len(arrays["y_train"]):
        raise ValueError(f"FeatureFile: path = {path}: y_train must contain at least one label")
    if len({arrays[name].shape[1:] for name in ("x_train", "x_test")}) > 1:
        shapes = " and ".join(str(list(arrays[name].shape[1:])) for name in ("x_train", "x_test"))
        raise ValueError(f"FeatureFile: path = {path}: x_train and x_test have rows of shapes {shapes}; must be equal")
    return arrays
