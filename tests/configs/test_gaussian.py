"""Every config for test inputs runs with both commands, cut short."""

from pathlib import Path
from shutil import copytree

import pytest
import torch

from lightning_modules.architectures import CifarResNet
from smoothing.certificates import Table
from tests.front_door import launch

CONFIGS = Path(__file__).parents[2] / "configs"
QUICK_FIT = [
    *("--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1"),
    *("--trainer.logger=false", "--trainer.accelerator=cpu", "--model.certified=1"),
]
QUICK_CERTIFY = [
    *("--data.every=5000", "--trainer.logger=false", "--trainer.accelerator=cpu"),
    *("--model.certifiers.clopper_pearson.n0=8", "--model.certifiers.clopper_pearson.n=128"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder", "options"),
    [
        ("mnist", "MNIST", []),
        # The released weights would be downloaded.
        ("cifar10", "cifar-10-batches-py", ["--model.architecture.weights=weights.th"]),
    ],
)
@pytest.mark.parametrize("sigma", [None, 1.0])
def test_a_config_trains_and_certifies(
    name: str, folder: str, options: list[str], sigma: float | None, data_root: Path, tmp_path: Path
) -> None:
    if not (data_root / folder).is_dir():
        pytest.skip(f"no {folder} in SMOOTHING_DATA={data_root}")
    copytree(CONFIGS, tmp_path / "configs")
    torch.save({"state_dict": CifarResNet(20).body.state_dict()}, tmp_path / "weights.th")
    config = ["--config", f"configs/gaussian/{name}.yaml"]
    noise = [] if sigma is None else [f"--model.measure.sigma={sigma}"]
    fitted = launch(["fit", *config, *noise, *QUICK_FIT, *options], tmp_path)
    assert fitted.status == 0, fitted.err
    checkpoint = next((tmp_path / f"runs/{name}_fit/checkpoints").glob("*net*.ckpt"))
    certify = ["certify", *config, *QUICK_CERTIFY, f"--base_ckpt={checkpoint}"]
    certified = launch([*certify, *noise], tmp_path)
    assert certified.status == 0, certified.err
    rows = Table.read_csv(tmp_path / f"runs/gaussian/{name}/certificates.csv").of("clopper_pearson")
    assert rows["index"].tolist() == [0, 5000]
    refused = launch([*certify, "--model.measure.sigma=0.3", "--run_dir=another"], tmp_path)
    assert refused.status == 2
    assert "was trained under Gaussian" in refused.err
