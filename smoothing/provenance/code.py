"""Version of this project, and its commit where it runs from a git checkout."""

import hashlib
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Folder that contains the packages of this project."""

DISTRIBUTION = "smoothing-certificates"
"""Name of this project as a distribution."""


@cache
def code_version() -> str:
    """Return the version, and in a git checkout the commit and a hash of uncommitted changes.

    For example ``"0.1.0"``, ``"0.1.0, commit 1a2b3c4d5e6f, clean"`` or
    ``"0.1.0, commit 1a2b3c4d5e6f, with changes 0a1b2c3d"``.
    """
    try:
        number = version(DISTRIBUTION)
    except PackageNotFoundError:
        number = "not installed"
    # The project may be installed inside the checkout of another project, which does not track its files.
    if _git("ls-files", "smoothing/__init__.py") != b"smoothing/__init__.py\n":
        return number
    commit, changes = _git("rev-parse", "HEAD"), _git("diff", "HEAD", "--binary")
    if commit is None or changes is None:
        return number
    state = f"with changes {hashlib.sha256(changes).hexdigest()[:8]}" if changes else "clean"
    return f"{number}, commit {commit.decode().strip()[:12]}, {state}"


def _git(*arguments: str) -> bytes | None:
    """Return the output of git; None if it fails."""
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None
