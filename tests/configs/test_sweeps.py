"""Sweeps of wandb: their commands are expanded as the agent does, and run."""

import json
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from reporting.curve_logger import fixed_accuracies
from smoothing.certificates import Table
from smoothing.runs.provenance import read_distance
from smoothing.runs.run_directory import trial_dir
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
SWEEPS = sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))
QUIET = ["--trainer.logger=false", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]


def commands(sweep: dict[str, Any]) -> list[list[str]]:
    """The command lines of all trials of a grid."""
    assert sweep["method"] == "grid"
    names = list(sweep["parameters"])
    found = []
    for values in product(*(sweep["parameters"][name]["values"] for name in names)):
        trial = {name: {"value": value} for name, value in zip(names, values, strict=True)}
        args = create_sweep_command_args({"args": trial})["args"]
        template = create_sweep_command(list(sweep["command"]))
        found.append([word for part in template for word in (args if part == "${args}" else [part])])
    return found


def in_trial(number: int) -> None:
    """Set the variables that the agent sets for a trial."""
    import os

    os.environ |= {"WANDB_SWEEP_ID": "sweep", "WANDB_RUN_ID": f"trial{number}"}


def run_trials(path: Path, place: Path, trials: int, more: list[str]) -> None:
    sweep = yaml.safe_load(path.read_text())
    for folder in ("configs", "results"):
        (place / folder).symlink_to(ROOT / folder)
    for number, (program, *args) in enumerate(commands(sweep)[:trials]):
        assert program == sweep["program"] == "smoothing"
        outcome = launch([*args, *more, *QUIET], place, partial(in_trial, number))
        assert outcome.status == 0, outcome.err
    made = sorted(place.glob("runs/*/*/sweep/*"))
    assert [run.name for run in made] == [f"trial{number}" for number in range(trials)]
    configs = {json.dumps(yaml.safe_load((run / "config.yaml").read_text())["model"]) for run in made}
    assert len(configs) == trials
    for run in made:
        table = Table.read_csv(run / "certificates.csv")
        assert sweep["metric"]["name"] in fixed_accuracies(table, read_distance(run / "provenance.json"))


def test_every_sweep_is_tested() -> None:
    assert [path.stem for path in SWEEPS] == ["denoise_sigma", "label_flip_lambda", "label_flip_q"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["label_flip_lambda", "label_flip_q"])
def test_trials_get_run_directories_of_their_own(tmp_path: Path, name: str) -> None:
    run_trials(ROOT / "configs" / "sweeps" / f"{name}.yaml", tmp_path, 2, [])


@pytest.mark.slow
def test_trials_over_sigma_get_run_directories_of_their_own(tmp_path: Path) -> None:
    few = [
        f"--model.init_args.certifiers.clopper_pearson.init_args.{name}={n}" for name, n in {"n0": 1, "n": 10}.items()
    ]
    run_trials(ROOT / "configs" / "sweeps" / "denoise_sigma.yaml", tmp_path, 2, few)


def test_only_trials_have_directories_of_trials() -> None:
    path = Path("runs/mnist")
    assert trial_dir(path, {}) == trial_dir(path, {"WANDB_RUN_ID": "a"}) == path
    assert trial_dir(path, {"WANDB_RUN_ID": "a", "WANDB_SWEEP_ID": "b"}) == path / "b" / "a"
