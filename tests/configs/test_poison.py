"""The configs against inserted, deleted and changed training examples run, those of large data sets on few examples."""

from pathlib import Path

from smoothing.certificates import Table
from tests.configs.test_label_flip import QUICK
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
