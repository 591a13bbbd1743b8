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
CERTIFY = sorted(path.stem for path in CONFIGS.glob("mnist17*.yaml"))


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


@pytest.mark.parametrize("name", CERTIFY)
def test_mnist17(name: str, mnist_root: Path, tmp_path: Path) -> None:
    table = certify(name, tmp_path, "--data.every=200", f"--model.encoder.base_ckpt={ENCODER}")
    assert table.certifiers == ("chernoff_kl", "chernoff_tight", "berry_esseen_tight", "exact")
    rows = table.of("exact")
    assert rows["index"].tolist() == list(range(0, 2163, 200))
    conditional = ["lambda" in phrases for phrases in rows["assumptions"]]
    assert all(conditional) if name == "mnist17" else not any(conditional)


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
    assert "trained on class 4 of MNIST" in outcome.err
    assert not (tmp_path / "run").exists()
