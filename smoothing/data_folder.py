"""Locations of data sets, other input files and caches."""

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


def cache_folder(name: str) -> Path:
    """Return a folder in the user's cache directory, ``$XDG_CACHE_HOME/smoothing``, without creating it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "smoothing", name)
