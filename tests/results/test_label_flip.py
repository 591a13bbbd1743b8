"""The truth lies between collective certificates and attacks in the tables of the page of label flips."""

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "results" / "label_flip" / "README.md"


def tables() -> dict[str, dict[str, list[float]]]:
    """Return the tables of one attacker for all answers: rows in percent, by name of the data."""
    block = PAGE.read_text(encoding="utf-8").partition("<!-- together -->")[2].partition("<!-- end of together -->")[0]
    found: dict[str, dict[str, list[float]]] = {}
    for table in block.strip().split("\n\n"):
        head, _, *rows = (line.strip("| ").split(" | ") for line in table.splitlines())
        found[head[0]] = {name: [float(cell.rstrip("%")) for cell in cells] for name, *cells in rows}
    return found


@pytest.mark.parametrize("name", tables())
def test_the_truth_lies_between_certificates_and_attacks(name: str) -> None:
    rows = tables()[name]
    single, together = rows.pop("certified one by one"), rows.pop("certified together")
    assert rows
    for left in rows.values():
        for values in zip(single, together, left, strict=True):
            assert list(values) == sorted(values)


def test_every_data_set_has_a_table() -> None:
    assert [name.partition(",")[0] for name in tables()] == ["MNIST", "MNIST", "CIFAR-10", "IMDB"]
