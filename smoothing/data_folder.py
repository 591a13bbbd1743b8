"""Locations of data sets and other input files."""

import os
from pathlib import Path

VARIABLE = "SMOOTHING_DATA"
"""Environment variable that names the folder of data sets."""


def data_root(root: str | None) -> Path:
    """Return the folder of data sets: ``root`` if it is given, else the one that `VARIABLE` names, else ``data``."""
    return Path(root if root is not None else os.environ.get(VARIABLE) or "data")


def data_file(path: str) -> Path:
    """Return a file as it is given if it exists, else as a path within the folder that `VARIABLE` names."""
    given = Path(path)
    folder = os.environ.get(VARIABLE)
    return given if given.exists() or not folder else Path(folder, path)
