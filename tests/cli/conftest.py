"""Working directories for tests of the command line."""

from pathlib import Path
from shutil import copy

import pytest
import yaml

from tests.front_door import DIGITS, PARTITIONS, POISONED, launch

collect_ignore_glob = ["outside/*"]
"""Modules of a user, which are found in their working directory only."""


@pytest.fixture
def workplace(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Folder of a user with the configs digits.yaml, partitions.yaml and poisoned.yaml and with their classes.

    The ``RETRAINED`` of the test's module is in retrained.yaml.
    """
    for file in (Path(__file__).parent / "outside").glob("*.py"):
        copy(file, tmp_path)
    (tmp_path / "digits.yaml").write_text(yaml.safe_dump(DIGITS), encoding="utf-8")
    (tmp_path / "partitions.yaml").write_text(yaml.safe_dump(PARTITIONS), encoding="utf-8")
    (tmp_path / "poisoned.yaml").write_text(yaml.safe_dump(POISONED), encoding="utf-8")
    if hasattr(request.module, "RETRAINED"):
        (tmp_path / "retrained.yaml").write_text(yaml.safe_dump(request.module.RETRAINED), encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Directory of an uninterrupted run with the ``RETRAINED`` of the test's module."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "retrained.yaml").write_text(yaml.safe_dump(request.module.RETRAINED), encoding="utf-8")
    outcome = launch(["certify", "--config", "retrained.yaml"], folder)
    assert outcome.status == 0, outcome.err
    return folder / "runs/retrained"
