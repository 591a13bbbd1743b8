"""Every config for training inputs runs, cut short."""

from pathlib import Path
from shutil import copytree

import pytest
import torch

from lightning_modules.architectures import CifarResNet
from smoothing.certificates import Table
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
QUICK = [
    *("--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"),
    *("--model.certifiers.clopper_pearson.n0=2", "--model.certifiers.clopper_pearson.n=10"),
    "--model.certifiers.clopper_pearson.alpha=0.2",
]


@pytest.mark.parametrize(
    ("name", "folder", "options"),
    [
        ("digits", None, []),
        pytest.param(
            "mnist",
            "MNIST",
            ["--data.every=200", "--model.measure=Gaussian", "--model.measure.sigma=0.25"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "cifar10",
            "cifar-10-batches-py",
            [
                *("--data.every=100", "--data.training=test[0:100]", "--model.votes.body.network.weights=weights.th"),
                "--model.votes.body.network.depth=8",
            ],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "cifar10_fast",
            "cifar-10-batches-py",
            [
                *("--data.every=500", "--data.training=train[0:100]", "--model.votes.learner.epochs=1"),
                "--model.votes.learner.widths=[8,8,8]",
            ],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_config_retrains_and_certifies(
    name: str, folder: str | None, options: list[str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if folder is not None and not (request.getfixturevalue("data_root") / folder).is_dir():
        pytest.skip(f"no {folder} in SMOOTHING_DATA")
    for part in ("configs", "results/digits_ddpm"):
        copytree(ROOT / part, tmp_path / part)
    # The released weights would be downloaded.
    torch.save({"state_dict": CifarResNet(8).body.state_dict()}, tmp_path / "weights.th")
    outcome = launch(["certify", "--config", f"configs/denoise/{name}.yaml", *QUICK, *options], tmp_path)
    assert outcome.status == 0, outcome.err
    run = tmp_path / "runs/denoise" / name
    table = Table.read_csv(run / "certificates.csv")
    assert (table["n"] == 10).all()
    assert sum(path.read_bytes().count(b"\n") for path in run.glob("draws/*")) == 12
    for view in ("curve.csv", "curve.png", "per_input.csv", "per_input_curve.csv", "per_input_curve.png"):
        assert (run / view).is_file()
