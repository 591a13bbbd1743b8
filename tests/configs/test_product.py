"""The configs of products run, cut short."""

from pathlib import Path

import pytest

from smoothing.certificates import Table
from tests.front_door import launch

CONFIGS = Path(__file__).parents[2] / "configs" / "product"
QUIET = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]


def table(name: str, folder: Path, data_root: Path, needed: str, *options: str) -> Table:
    """The table of a config that is run in a folder."""
    if not (data_root / needed).is_dir():
        pytest.skip(f"no {needed} in SMOOTHING_DATA={data_root}")
    outcome = launch(["certify", f"--config={CONFIGS / name}.yaml", "--run_dir=run", *QUIET, *options], folder)
    assert outcome.status == 0, outcome.err
    return Table.read_csv(folder / "run" / "certificates.csv")


@pytest.mark.slow
def test_a_table_of_two_kinds_of_columns_is_trained_and_certified(data_root: Path, tmp_path: Path) -> None:
    if not (data_root / "spambase").is_dir():
        pytest.skip(f"no spambase in SMOOTHING_DATA={data_root}")
    config = f"--config={CONFIGS / 'spambase.yaml'}"
    fitted = launch(["fit", config, "--trainer.max_epochs=3", *QUIET], tmp_path)
    assert fitted.status == 0, fitted.err
    (checkpoint,) = (tmp_path / "runs/product_spambase_fit/checkpoints").glob("perceptron*.ckpt")
    options = [f"--base_ckpt={checkpoint}", "--data.every=20", "--model.certifiers.joint.n=1000"]
    found = table("spambase", tmp_path, data_root, "spambase", *options)
    assert found.certifiers == tuple(f"joint-{flips}_flips" for flips in range(6))
    accuracy = [found.of(name)["correct"].mean() for name in found.certifiers]
    assert accuracy[0] > 0.6
    assert accuracy == sorted(accuracy, reverse=True)
    assert accuracy[1] > 0
    refused = launch(["certify", config, options[0], "--model.measure=Gaussian", "--model.measure.sigma=0.5"], tmp_path)
    assert refused.status == 2
    assert "the network was trained under Product" in refused.err


@pytest.mark.slow
def test_labels_and_images_of_mnist(data_root: Path, tmp_path: Path) -> None:
    options = ["--data.training=train[0:2000]", "--data.every=500", "--model.certifiers.joint.n0=4"]
    options += ["--model.certifiers.joint.n=30", "--model.certifiers.joint.alpha=.1"]
    found = table("mnist", tmp_path, data_root, "MNIST", *options)
    assert found.certifiers[:3] == ("joint-0_flips", "joint-1_flips", "joint-2_flips")
    assert found.of("joint-0_flips")["radius"].max() > 0
    assert (tmp_path / "run" / "per_input.csv").is_file()


@pytest.mark.slow
def test_networks_on_noisy_labels(data_root: Path, tmp_path: Path) -> None:
    options = ["--data.training=train[0:1000]", "--data.every=50", "--model.votes.learner.epochs=2"]
    options += ["--model.certifiers.clopper_pearson.n0=4", "--model.certifiers.clopper_pearson.n=20"]
    found = table("mnist17", tmp_path, data_root, "MNIST", *options)
    assert (found["n"] == 20).all()
