"""Each case of the script as a test."""

from pathlib import Path

import pytest

from tests.cli.signals import CASES, prepare


@pytest.mark.slow
@pytest.mark.ddp
@pytest.mark.parametrize("name", CASES)
def test_real_processes_end_with_one_line(name: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    CASES[name](tmp_path)
