"""Edited files end commands with a documented status, one line, and no certificate from bad input.

By hand and without end: ``pytest tests/fuzz -m slow --hypothesis-profile=endless``. What fails is added to the corpus.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given

from tests.fuzz.commands import CORPUS, check, ids, kept
from tests.fuzz.edits import FUZZ, Edit, edited, edits
from tests.fuzz.targets import TARGETS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

Template = Callable[[str], Path]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return the working directory of a target, which is written once."""
    written: dict[str, Path] = {}

    def made(name: str) -> Path:
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name)
            TARGETS[name].make(written[name])
        return written[name]

    return made


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)


@pytest.mark.parametrize("name", TARGETS)
def test_an_edited_file_ends_well(name: str, template: Template, tmp_path: Path) -> None:
    target, folders = TARGETS[name], count()
    content = (template(name) / target.file).read_bytes()

    @FUZZ
    @given(edits)
    def ends_well(changes: list[Edit]) -> None:
        check(target, template(name), tmp_path / str(next(folders)), edited(content, changes))

    ends_well()


@pytest.mark.parametrize("path", [path for name in TARGETS for path in kept(name)], ids=ids)
def test_what_failed_before_ends_well(path: Path, template: Template, tmp_path: Path) -> None:
    name = path.relative_to(CORPUS).parts[0]
    check(TARGETS[name], template(name), tmp_path / "case", path.read_bytes())
