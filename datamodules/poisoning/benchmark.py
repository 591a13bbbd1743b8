"""Files with the setups of the poisoning benchmark of Schwarzschild et al. (2021): pickles of lists of dictionaries."""

import pickle
import re
from collections.abc import Sequence
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.poisoning.setup import Setup
from smoothing.data_folder import data_file

KEYS = {"target": "target index", "target_class": "target class", "intended": "base class", "bases": "base indices"}
"""Key in the files of each attribute of a setup."""


def read_setups(path: str) -> list[Setup]:
    """Read a file of the benchmark, without executing code from it.

    Pickled arrays (protocol 3 or later) are decoded here, and only whole numbers are accepted. A file that names any
    other function or class is refused.

    Args:
        path: The file. A relative path is looked for in the working directory, then in the folder that the environment
            variable ``SMOOTHING_DATA`` names.

    Returns:
        Setups in the order of the file. Positions are those in the published training and test sets. Two setups of the
        published file for transfer on CIFAR-10 name one base twice; it is kept once.

    Raises:
        ValueError: If the file cannot be read, or holds anything else than such setups.
    """
    try:
        content = data_file(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"read_setups: path = {path}; must be a readable file: {reason}") from error
    try:
        setups = [_setup(entry) for entry in _list(_Plain(BytesIO(content)).load())]
    except Exception as error:  # damaged pickles raise many types of exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"read_setups: path = {path}; must hold a list of setups of the poisoning benchmark: {reason}"
        ) from error
    return setups


def write_setups(path: str, setups: Sequence[Setup]) -> None:
    """Write setups in the form of the benchmark.

    Args:
        path: The file.
        setups: The setups.
    """
    entries = [{key: _written(getattr(setup, name)) for name, key in KEYS.items()} for setup in setups]
    Path(path).write_bytes(pickle.dumps(entries, protocol=4))


def _written(value: Any) -> Any:
    return np.array(value, np.int64) if isinstance(value, tuple) else value


def _list(entries: Any) -> list[Any]:
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"the file holds an object of type {type(entries).__name__}")
    return entries


def _setup(entry: Any) -> Setup:
    if not isinstance(entry, dict) or entry.keys() != {*KEYS.values()}:
        raise ValueError(f"an entry lacks one of {', '.join(KEYS.values())}, or has others")
    values = {name: entry[key] for name, key in KEYS.items()}
    if not isinstance(bases := values.pop("bases"), _Array):
        raise ValueError("base indices are no array")
    return Setup(**values, bases=tuple(dict.fromkeys(bases.values)))


class _Type:
    """A pickled NumPy type of whole numbers."""

    def __init__(self, name: str, *_: Any) -> None:
        if not re.fullmatch("[iu][1248]", name):
            raise ValueError(f"arrays of type {name!r} are refused")
        self.name = name
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"

    def read(self, content: bytes) -> list[int]:
        numbers: list[int] = np.frombuffer(content, self.order + self.name).tolist()
        return numbers


class _Array:
    """A pickled array of whole numbers with one axis."""

    values: list[int]

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, _, content = state
        self.values = kind.read(content)
        if len(shape) != 1 or prod(shape) != len(self.values):
            raise ValueError(f"an array has shape {list(shape)}; one axis is read")


def _scalar(kind: _Type, content: bytes) -> int:
    (number,) = kind.read(content)
    return number


class _Plain(pickle.Unpickler):
    """Reader of pickles that calls the functions of this file in place of NumPy's, and no others."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("numpy", "ndarray"): _Array,
            ("numpy", "dtype"): _Type,
            ("multiarray", "_reconstruct"): _Array,
            ("multiarray", "scalar"): _scalar,
        }
        known |= {("numeric", "_frombuffer"): _from_buffer}
        short = re.sub(r"^numpy\._?core\.", "", module)
        if (short, name) not in known:
            raise ValueError(f"it names {module}.{name}; arrays of whole numbers are read, and nothing else")
        return known[short, name]


def _from_buffer(content: bytes, kind: _Type, shape: Any, order: str) -> _Array:
    """Return an array that was pickled with protocol 5."""
    array = _Array()
    array.__setstate__((1, shape, kind, False, bytes(content)))
    return array
