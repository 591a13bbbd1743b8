"""The Python code of the README runs unchanged, and its measure has the documented law."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from smoothing.certifiers import Chernoff, ClopperPearson
from smoothing.guarantees import thresholds
from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.testing import random_ballots

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_three_lines_certify_a_network_and_a_classifier(tmp_path: Path) -> None:
    block = tmp_path / "three_lines.py"
    block.write_text(BLOCKS[0])
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) == 3
    x, y = load_iris(return_X_y=True)
    classifier = LogisticRegression(max_iter=1000).fit(x, y)
    network = torch.nn.Linear(4, 3)
    network.load_state_dict({"weight": torch.tensor(classifier.coef_), "bias": torch.tensor(classifier.intercept_)})
    radii = []
    for model in (classifier, network):
        certified = runpy.run_path(str(block), {"model": model, "x": x[::10], "y": y[::10]})["certified"]
        sure = certified.radius > 0
        assert (certified.prediction[sure] == classifier.predict(x[::10])[sure]).all()
        assert certified.certified_accuracy(y[::10], 0.3) > 0.6
        assert certified.plot().axes
        assert len(certified.to_pandas()) == 15
        certified.save(tmp_path / f"run_{type(model).__name__}")
        radii.append(certified.radius)
    np.testing.assert_allclose(*radii, atol=0.05)


def test_every_block_of_the_page_on_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (tmp_path / "page.py").write_text("\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)))
    names = runpy.run_path("page.py")
    tests = names["x"][1::2], names["names"][1::2]
    assert names["classifier"].certified_score(*tests, 3) > 0.7
    assert names["trees"].certified_score(*tests, 2) > 0.5
    assert names["smoothed"].certified_score(*tests, 0.3) > 0.5
    first, again = (tmp_path / "runs" / name / "certificates.csv" for name in ("iris", "iris_again"))
    assert first.read_bytes() == again.read_bytes()


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
    pytester.makepyfile(mine=BLOCKS[1], test_mine=BLOCKS[2])
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
