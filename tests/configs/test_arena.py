"""The config of trials of attacks runs, cut short."""

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from datamodules import Digits
from lightning_modules.architectures import CifarResNet, OwnNetwork
from lightning_modules.denoisers import DiffusionDenoiser
from smoothing.provenance.origin import Origin
from smoothing.runs.trials import read_csv
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/arena/digits.yaml"
SMALL = ["--data.setups=1", "--data.data.training=test[0:200]", "--data.data.every=1000", "--data.budget.count=3"]
FEW_STEPS = ["convex_polytope", "bullseye", "hidden_trigger", "witches_brew", "sleeper_agent"]
QUICK = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]


def test_the_body_has_not_seen_images_of_the_trials() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    body = config["model"]["init_args"]["training"]["body"]["init_args"]
    data = config["data"]["init_args"]["data"]["init_args"]
    seen = Origin.parse(*body["trained_on"])
    assert not seen.overlaps(Digits(**data).origin)
    script = (ROOT / "results/arena/body.py").read_text()
    assert f'training="{seen.part}{seen.range}"' in script
    network = OwnNetwork(
        **body["network"]["init_args"] | {"weights": str(ROOT / "results/arena/digits_body.safetensors")}
    )
    assert load_file(ROOT / "results/arena/digits_body.safetensors").keys() == network.body.state_dict().keys()


@pytest.mark.slow
def test_digits(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(ROOT / "results")
    outcome = launch(["attack", f"--config={CONFIG}", "--run_dir=run", *QUICK], tmp_path)
    assert outcome.status == 0, outcome.err
    trials = read_csv(tmp_path / "run/trials.csv")
    assert len(trials) == 30
    assert not any(trial.seen for trial in trials)
    assert all(trial.loss_after < 0.8 * trial.loss_before for trial in trials)
    won = {name: sum(trial.success for trial in trials if trial.defence == name) for name in ("none", "deep_knn")}
    assert won["none"] >= 3
    assert won["deep_knn"] < won["none"]
    assert all(trial.right / trial.tests > 0.75 for trial in trials)


@pytest.mark.parametrize("name", ["cifar10_transfer", "cifar10_transfer_robust", "cifar10_scratch"])
def test_nothing_frozen_has_seen_images_of_cifar10_under_attack(name: str) -> None:
    text = (ROOT / f"configs/arena/{name}.yaml").read_text()
    config = yaml.safe_load(text)
    data = config["data"]["init_args"]["data"]["init_args"]
    denoiser = DiffusionDenoiser(str(ROOT / "results/cifar10_ddpm_small"))
    body = config["model"]["init_args"]["training"].get("body", {}).get("init_args", {}).get("trained_on", [])
    assert "path: results/cifar10_ddpm_small" in text or name == "cifar10_transfer_robust"
    for seen in (*denoiser.trained_on, *map(Origin.parse, body)):
        assert not any(seen.overlaps(Origin.parse(f"CIFAR10 {data[part]}")) for part in ("training", "tests"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10_transfer", "cifar10_transfer_robust", "cifar10_scratch"])
def test_cifar10(name: str, data_root: Path, tmp_path: Path) -> None:
    if not (data_root / "cifar-10-batches-py").is_dir():
        pytest.skip(f"no CIFAR-10 in SMOOTHING_DATA={data_root}")
    (tmp_path / "results").symlink_to(ROOT / "results")
    (tmp_path / "weights").mkdir()
    torch.save({"state_dict": CifarResNet(20).body.state_dict()}, tmp_path / "weights/resnet20-12fca82f.th")
    config = yaml.safe_load((ROOT / f"configs/arena/{name}.yaml").read_text())
    attacks, defences = (config[part]["init_args"][kind] for part, kind in (("data", "attacks"), ("model", "defences")))
    steps = [f"--data.attacks.{attack}.steps=2" for attack in attacks if attack in FEW_STEPS]
    epochs = ["--model.training.epochs=3", "--model.training.milestones=[1]"]
    command = ["attack", f"--config={ROOT / f'configs/arena/{name}.yaml'}", "--run_dir=run", *SMALL, *steps, *epochs]
    outcome = launch([*command, *QUICK], tmp_path)
    assert outcome.status == 0, outcome.err
    trials = read_csv(tmp_path / "run/trials.csv")
    assert {(trial.attack, trial.defence) for trial in trials} == {(a, d) for a in attacks for d in defences}
    assert not any(trial.seen for trial in trials)
