"""The configs against inserted, deleted and changed training examples run, those of large data sets on few examples."""

from pathlib import Path

import pytest

from smoothing.certificates import Table
from tests.configs.test_label_flip import FEW_REVIEWS, QUICK
from tests.front_door import launch

CONFIGS = Path(__file__).parents[2] / "configs" / "poison"


def certify(name: str, folder: Path, *options: str) -> Table:
    """The table of a config that is run in a folder."""
    outcome = launch(["certify", f"--config={CONFIGS / name}.yaml", "--run_dir=run", *QUICK, *options], folder)
    assert outcome.status == 0, outcome.err
    return Table.read_csv(folder / "run" / "certificates.csv")


def test_digits(tmp_path: Path) -> None:
    table = certify("digits", tmp_path, "--data.every=4")
    dpa = table.of("dpa")
    assert table.certifiers == ("dpa", "run_off")
    assert dpa["correct"].mean() > 0.88
    assert (dpa["radius"] >= 15).mean() > 0.5
    assert dpa["radius"].max() <= 30
    assert all("inserted plus deleted" in assumptions for assumptions in dpa["assumptions"])


SMALL = {
    "mnist_partitions": [
        *["--data.training=train[0:300]", "--data.every=1250", "--model.votes.parts=10"],
        "--model.votes.learner.epochs=20",
    ],
    "mnist_bagging": ["--data.training=train[0:3000]", "--data.every=1250", "--model.certifiers.bagging.n=200"],
    "cifar10_partitions": [
        *["--data.training=train[0:300]", "--data.every=1250", "--model.votes.parts=10"],
        *["--model.encoder.backbone.weights=false", "--model.encoder.backbone.size=32"],
    ],
    "imdb": [*FEW_REVIEWS, "--model.votes.parts=40"],
}
"""Configs of large data sets, and what makes them small; each is asked eight examples."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_large_data(name: str, data_root: Path, tmp_path: Path) -> None:
    needed = name.split("_")[0]
    if not (data_root / {"mnist": "MNIST", "cifar10": "cifar-10-batches-py"}.get(needed, needed)).is_dir():
        pytest.skip(f"no {needed} in SMOOTHING_DATA={data_root}")
    table = certify(name, tmp_path, *SMALL[name])
    assert all(len(table.of(certifier)) == 8 for certifier in table.certifiers)
    if name != "cifar10_partitions":  # its network has random weights here
        assert (table["radius"] > 0).any()
    assert all("inserted plus deleted" in assumptions for assumptions in table["assumptions"])
