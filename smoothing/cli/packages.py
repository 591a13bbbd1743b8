"""Search path of the project's packages and of the user's classes."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the project's packages."""

PACKAGES = ("smoothing", "lightning_modules", "datamodules", "callbacks", "reporting")
"""Top-level packages of the project."""


def find_packages() -> None:
    """Move the working directory to the end of the search path.

    A user's classes are then found by dotted path, and hide no package of this project.

    Prints one line if a file or folder of the working directory has the name of one of the project's packages.

    Raises:
        ValueError: If another folder on the search path hides one of the project's packages.
    """
    here = os.getcwd()
    # ``python -m`` puts the working directory first, a console script its own folder.
    if sys.path and sys.path[0] in ("", here):
        del sys.path[0]
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if here not in sys.path:
        sys.path.append(here)
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if found is None or found.parents[1] != ROOT:
            at = found.parent if found else f"a folder {name} on the search path"
            raise ValueError(f"{name}: {at} hides the package of this project; must have another name")
    if Path(here).resolve() != ROOT:
        from smoothing.cli.errors import warn

        taken = [name for name in PACKAGES if Path(here, name).is_dir() or Path(here, f"{name}.py").is_file()]
        for name in taken:
            warn(f"{name} in the working directory is hidden by the package {name} of this project; rename it")
