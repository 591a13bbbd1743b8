"""Working directories for tests of the command line."""

from pathlib import Path
from shutil import copy

import pytest
import yaml

from tests.front_door import DIGITS, PARTITIONS, POISONED

collect_ignore_glob = ["outside/*"]
"""Modules of a user, which are found in their working directory only."""


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """Folder of a user with the configs digits.yaml, partitions.yaml and poisoned.yaml and with their classes."""
    for file in (Path(__file__).parent / "outside").glob("*.py"):
        copy(file, tmp_path)
    (tmp_path / "digits.yaml").write_text(yaml.safe_dump(DIGITS), encoding="utf-8")
    (tmp_path / "partitions.yaml").write_text(yaml.safe_dump(PARTITIONS), encoding="utf-8")
    (tmp_path / "poisoned.yaml").write_text(yaml.safe_dump(POISONED), encoding="utf-8")
    return tmp_path
