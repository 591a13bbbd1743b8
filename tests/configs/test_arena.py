"""The config of trials of attacks runs, cut short."""

from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from datamodules import Digits
from lightning_modules.architectures import OwnNetwork
from smoothing.provenance.origin import Origin
from smoothing.runs.trials import read_csv
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/arena/digits.yaml"
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
