"""The Python code of the README runs unchanged, and its measure has the documented law."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from smoothing.certifiers import Chernoff, ClopperPearson
from smoothing.guarantees import thresholds
from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.testing import random_ballots

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_ten_lines_print_radii(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = tmp_path / "ten_lines.py"
    block.write_text(BLOCKS[0])
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) == 10
    made = runpy.run_path(str(block))
    radii = made["ExactVote"]().certify(made["ballots"]).radius
    assert np.median(radii) > 20
    assert str(radii[0]).rstrip("0") in capsys.readouterr().out


@pytest.fixture
def redraw(tmp_path: Path) -> type[SmoothingMeasure]:
    block = tmp_path / "mine.py"
    block.write_text(BLOCKS[1])
    return runpy.run_path(str(block))["Redraw"]


def test_redrawn_labels_are_flipped_labels(redraw: type[SmoothingMeasure]) -> None:
    mine, flips = redraw(0.3, 3), LabelFlip("0.2", 3)
    assert thresholds(mine, 50).tolist() == thresholds(flips, 50).tolist()
    np.testing.assert_allclose(mine.channel, flips.channel.astype(float), rtol=1e-15)
    for certifier in (Chernoff(), ClopperPearson(n0=50, n=2000)):
        ours, theirs = (certifier.certify(random_ballots(m, 3, 40, 6, 0)) for m in (mine, flips))
        sure = (ours.prediction >= 0) & (theirs.prediction >= 0)
        assert (ours.prediction == theirs.prediction)[sure].all()
        assert (np.abs(ours.radius - theirs.radius) <= (0 if ours.deterministic else 1)).all()
        assert ours.radius.max() > 0
        assert np.all(ours.sound)


def test_conformance_example_passes(redraw: type[SmoothingMeasure], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine=BLOCKS[1] + BLOCKS[2])
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider").parseoutcomes()
    assert outcome.keys() <= {"passed", "skipped"}
    assert outcome["passed"] >= 10


def test_every_class_of_the_table_exists() -> None:
    homes = {kind: f"smoothing.{kind}" for kind in ("measures", "votes", "certifiers", "guarantees")}
    parts = ("objectives", "architectures", "denoisers", "learners")
    homes |= {kind: f"lightning_modules.{kind}" for kind in parts} | {"data": "datamodules"}
    rows = dict(re.findall(r"^\| (\w+) \| (.*?) \|", README, re.MULTILINE))
    for kind, home in homes.items():
        module = __import__(home, fromlist=["*"])
        for name in re.findall(r"`(\w+)`", rows[kind]):
            assert hasattr(module, name)


@pytest.mark.parametrize("link", re.findall(r"\]\(([\w./]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[1] / link).is_file()
