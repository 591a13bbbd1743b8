"""Every config for label flips runs, those for MNIST on few examples, and makes of the data what it says."""

from pathlib import Path

import pytest

from lightning_modules import FrozenEncoder
from smoothing.certificates import Table
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "label_flip"
ENCODER = ROOT / "results" / "mnist17" / "encoder.ckpt"
QUICK = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
LINEAR = ["mnist17", "mnist17_best_ridge", "mnist17_clusters"]


def certify(name: str, folder: Path, *options: str) -> Table:
    """The table of a config that is run in a folder."""
    config = [f"--config={CONFIGS / name}.yaml", "--run_dir=run"]
    outcome = launch(["certify", *config, *QUICK, *options], folder)
    assert outcome.status == 0, outcome.err
    return Table.read_csv(folder / "run" / "certificates.csv")


def test_digits(tmp_path: Path) -> None:
    table = certify("digits", tmp_path)
    kl, tight, exact = (table.of(name) for name in ("chernoff_kl", "chernoff_tight", "exact"))
    assert table.certifiers == ("chernoff_kl", "chernoff_tight", "exact")
    assert exact["correct"].mean() > 0.95
    assert (kl["radius"] <= tight["radius"]).all()
    assert (tight["radius"] <= exact["radius"]).all()
    assert (exact["radius"] > 20).mean() > 0.5


@pytest.mark.parametrize("name", LINEAR)
def test_mnist17(name: str, mnist_root: Path, tmp_path: Path) -> None:
    table = certify(name, tmp_path, "--data.every=200", f"--model.encoder.base_ckpt={ENCODER}")
    assert table.certifiers == ("chernoff_kl", "chernoff_tight", "berry_esseen_tight", "exact")
    rows = table.of("exact")
    assert rows["index"].tolist() == list(range(0, 2163, 200))
    conditional = ["lambda" in phrases for phrases in rows["assumptions"]]
    assert all(conditional) if name == "mnist17" else not any(conditional)


def test_mnist17_partitions(mnist_root: Path, tmp_path: Path) -> None:
    options = ["--data.every=300", f"--model.encoder.base_ckpt={ENCODER}", "--model.votes.parts=100"]
    table = certify("mnist17_partitions", tmp_path, *options)
    assert table.certifiers == ("dpa", "run_off", "white_box")
    assert (table.of("dpa")["radius"] <= table.of("white_box")["radius"]).all()
    assert (table.of("dpa")["radius"] == table.of("run_off")["radius"]).all()


def test_digits_partitions(tmp_path: Path) -> None:
    table = certify("digits_partitions", tmp_path, "--data.every=4")
    dpa, run_off, white_box = (table.of(name) for name in ("dpa", "run_off", "white_box"))
    assert dpa["correct"].mean() > 0.85
    assert (dpa["radius"] <= white_box["radius"]).all()
    assert dpa["deterministic"].all()
    assert set(run_off["classifier"]) == {"run-off"}


def test_digits_finite_aggregation(tmp_path: Path) -> None:
    only = "--model.certifiers={fa: {class_path: Plurality}, run_off: {class_path: RunOff}}"
    table = certify("digits_partitions", tmp_path, "--data.every=10", "--model.votes.spread=4", only)
    assert table.of("fa")["correct"].mean() > 0.85
    assert (table.of("fa")["radius"] > 5).mean() > 0.5


def test_digits_bagging(tmp_path: Path) -> None:
    table = certify("digits_bagging", tmp_path, "--data.every=10")
    assert table.of("bagging")["correct"].mean() > 0.7
    assert (table.of("bagging")["radius"] > 5).mean() > 0.5


def test_digits_clusters(tmp_path: Path) -> None:
    table = certify("digits_clusters", tmp_path)
    assert table.of("joint_naming")["correct"].mean() > 0.6
    assert (table.of("joint_naming")["radius"] > 20).mean() > 0.5


def test_the_commands_of_the_paper_s_q_agree_with_the_rule(mnist_root: Path, tmp_path: Path) -> None:
    options = ["--model.measure.q=0.4", "--model.votes.regularisation.q=0.4"]
    table = certify("mnist17", tmp_path, "--data.every=500", f"--model.encoder.base_ckpt={ENCODER}", *options)
    assert len(table.of("exact")["radius"]) == 5


def test_encoder(mnist_root: Path, tmp_path: Path) -> None:
    short = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1"]
    outcome = launch(["fit", f"--config={CONFIGS / 'encoder.yaml'}", "--run_dir=run", *QUICK, *short], tmp_path)
    assert outcome.status == 0, outcome.err
    encoder = FrozenEncoder(str(tmp_path / "run" / "checkpoints" / "encoder.ckpt"))
    assert encoder.trained_on == FrozenEncoder(str(ENCODER)).trained_on
    assert encoder.network.state_dict().keys() == FrozenEncoder(str(ENCODER)).network.state_dict().keys()


def test_an_encoder_that_has_seen_the_classes_is_refused(mnist_root: Path, tmp_path: Path) -> None:
    config = [f"--config={CONFIGS / 'mnist17.yaml'}", f"--model.encoder.base_ckpt={ENCODER}", "--run_dir=run"]
    outcome = launch(["certify", *config, *QUICK, "--data.classes=[1,4]"], tmp_path)
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "FrozenEncoder: was trained on labels of classes 0, 2, 3, 4" in outcome.err
    assert not (tmp_path / "run").exists()
