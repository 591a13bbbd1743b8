"""The truth lies between collective certificates and attacks in the tables of the page of label flips."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "results" / "label_flip" / "README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- together (\S+) -->\n(.*?)\n<!-- end of together", PAGE, re.DOTALL))


@pytest.mark.parametrize("run", BLOCKS)
def test_the_truth_lies_between_certificates_and_attacks(run: str) -> None:
    _, _, *lines = (line.strip("| ").split(" | ") for line in BLOCKS[run].splitlines())
    rows = {name: [float(cell.rstrip("%")) for cell in cells] for name, *cells in lines}
    single, together = rows.pop("certified one by one"), rows.pop("certified together")
    assert all(one <= certified for one, certified in zip(single, together, strict=True))
    for left in rows.values():
        assert all(certified <= value for certified, value in zip(together, left, strict=True))


def test_attacks_are_beside_the_certificates() -> None:
    attacked = {run for run, block in BLOCKS.items() if "left by" in block}
    assert {"mnist17_collective", "cifar10_transfer_every_5"} <= attacked
