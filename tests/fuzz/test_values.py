"""Unexpected values of settings end commands with a documented status and one line."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.front_door import DIGITS, PARTITIONS, POISONED
from tests.fuzz.commands import assert_documented, run
from tests.fuzz.edits import FUZZ, VALUES
from tests.fuzz.targets import SAFE

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CONFIGS = {"digits": DIGITS, "partitions": PARTITIONS, "poisoned": POISONED}

Place = tuple[str | int, ...]


def places(content: Any, above: Place = ()) -> list[Place]:
    """Return the keys that lead to every value of a config, except those of the trainer."""
    found = [above] if above else []
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else []
    return found + [place for key in keys if key != "trainer" for place in places(content[key], (*above, key))]


def replaced(content: Any, place: Place, value: object) -> Any:
    """Return a copy of a config with one value replaced."""
    if not place:
        return value
    key, *rest = place
    changed = replaced(content[key], tuple(rest), value)
    if isinstance(content, list):
        return [*content[:key], changed, *content[key + 1 :]]  # type: ignore[misc, operator]
    return content | {key: changed}


@st.composite
def changed_configs(draw: st.DrawFn, name: str) -> str:
    """Draw a config in which one or two values are replaced, as text."""
    content = CONFIGS[name]
    for _ in range(draw(st.integers(1, 2))):
        found = places(content)
        if not found:
            break
        content = replaced(content, draw(st.sampled_from(found)), draw(st.sampled_from(VALUES)))
    return str(yaml.safe_dump(content, allow_unicode=True))


@pytest.mark.parametrize("name", CONFIGS)
def test_unexpected_values_in_a_config_end_well(name: str, tmp_path: Path) -> None:
    folders = count()

    @FUZZ
    @given(changed_configs(name))
    def ends_well(text: str) -> None:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        (folder / "one.yaml").write_text(text, encoding="utf-8")
        end = run(["certify", "--config=one.yaml", *SAFE], folder)
        assert_documented(end)
        assert (end.status == 0) == (folder / "runs/one/certificates.csv").exists()

    ends_well()


WORDS = st.sampled_from(
    [
        "certify",
        "compare",
        "table",
        "configs",
        "run",
        "--config=digits.yaml",
        "--config",
        "digits.yaml",
        "--help",
        "-h",
        "--",
        "-",
        "",
        "=",
        "--=",
        "--model",
        "--model.votes",
        "--model.measure=LabelFlip",
        "--measure=Gaussian",
        "--measure.sigma",
        "--max_radius",
        "--radii",
        "--out",
        "--audit.alpha",
        "runs/none",
        "label_flip/digits",
        *map(str, VALUES[:17]),
    ]
)


@FUZZ
@given(
    st.sampled_from(["certify", "compare", "table", "configs", "doctor", "plan", "fit"]), st.lists(WORDS, max_size=4)
)
@example("table", ["--measure=Gaussian", "--max_radius", "nan"])
def test_unexpected_words_end_well(tmp_path_factory: pytest.TempPathFactory, command: str, words: list[str]) -> None:
    folder = tmp_path_factory.mktemp("words")
    (folder / "digits.yaml").write_text(yaml.safe_dump(DIGITS), encoding="utf-8")
    if command == "doctor" and not words:
        return
    assert_documented(run([command, *words], folder))
