"""Configs that come with the package: what they say is true, and they are found by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from smoothing import load_run
from smoothing.cli.main import run_command
from smoothing.cli.packaged import FOLDER, PackagedConfig, find_config, maker, packaged
from smoothing.cli.train_then_certify import config_of

ROOT = Path(__file__).parents[2]
ALL = packaged()


def values(content: object) -> list[str]:
    if isinstance(content, dict):
        return [text for key, part in content.items() if key != "run_dir" for text in values(part)]
    if isinstance(content, list):
        return [text for part in content for text in values(part)]
    return [content] if isinstance(content, str) else []


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
def test_the_first_line_is_true(config: PackagedConfig) -> None:
    content = yaml.safe_load(config.path.read_text(encoding="utf-8"))
    if "model" in content:
        kind = content["model"]["class_path"]
        commands = [{"Certification": "certify", "DefenceTrials": "attack"}.get(kind.rpartition(".")[2], "fit")]
    else:
        commands = [name for name in ("fit", "certify") if name in content]
    assert list(config.commands) == commands
    assert config.purpose
    for value in values(content):
        if value.startswith(("results/", "weights/")):
            assert value in config.needs
        if value.startswith("runs/"):
            assert "/".join(value.split("/")[1:3]) in config.needs
    if config.needs == "nothing":
        assert "Digits" in values(content)


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["configs"])
    out = capsys.readouterr().out
    assert all(config.name in out and config.needs in out for config in ALL)
    assert {config.path for config in ALL} == {*ROOT.glob("configs/*/*.yaml")} - {*ROOT.glob("configs/sweeps/*")}


def test_a_config_is_copied_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_command(["configs", "copy", "label_flip/digits", "own"])
    assert (tmp_path / "own" / "digits.yaml").read_bytes() == (FOLDER / "label_flip" / "digits.yaml").read_bytes()
    assert "smoothing certify --config own/digits.yaml" in capsys.readouterr().out
    for arguments in (["label_flip/digits", "own"], ["label_flip/nothing"], []):
        with pytest.raises(SystemExit, match="2"):
            run_command(["configs", "copy", *arguments])
    assert [path.name for path in tmp_path.rglob("*.yaml")] == ["digits.yaml"]


def test_a_name_finds_a_packaged_config_and_files_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config("label_flip/digits") == str(FOLDER / "label_flip" / "digits.yaml")
    assert find_config("label_flip/digits.yaml") == str(FOLDER / "label_flip" / "digits.yaml")
    assert find_config("../pyproject") == "../pyproject"
    (tmp_path / "label_flip").mkdir()
    (tmp_path / "label_flip" / "digits.yaml").touch()
    assert find_config("label_flip/digits.yaml") == "label_flip/digits.yaml"


def test_certify_with_the_name_of_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_command(["certify", "--config", "label_flip/digits", "--data.every=40", "--trainer.logger=false"])
    assert load_run("runs/label_flip/digits").certifiers == ("chernoff_kl", "chernoff_tight", "exact")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("gaussian/mnist", "base_ckpt = None; must be .* To make it: smoothing fit --config .*gaussian/mnist.yaml"),
        ("denoise/mnist", "No such file or directory. To make it: smoothing fit --config denoise/mnist_ddpm"),
        ("label_flip/encoder", "must be a Certification to certify. To train: smoothing fit --config .*encoder.yaml"),
        ("label_flip/cifar10_simclr", "To make it: smoothing fit --config label_flip/simclr_cifar10"),
    ],
)
def test_the_command_that_is_missing_is_named(
    config: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        run_command(["certify", "--config", config])
    assert re.search(message, capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_unknown_origin_has_no_maker() -> None:
    assert maker("elsewhere/weights.ckpt", None) is None
    assert maker("runs/nothing/here/checkpoints/last.ckpt", None) is None


@pytest.mark.parametrize("options", [[], ["--config"], ["--config=a", "--base_ckpt=b"], ["--base_ckpt=b"]])
def test_run_takes_a_config_alone(options: list[str]) -> None:
    with pytest.raises(ValueError, match="run: must have --config alone"):
        config_of(options)
    assert config_of(["--config=a"]) == config_of(["-c", "a"]) == "a"


BOTH = """
fit:
  run_dir: runs/trained
  model:
    class_path: BaseClassifier
    init_args:
      measure: {class_path: Gaussian, init_args: {sigma: 0.25}}
      architecture: {class_path: OwnNetwork, init_args: {network: own_layers.Net, num_classes: 2}}
      objective: NoiseAugmentation
      optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}
  trainer: {max_epochs: 2, logger: false, enable_progress_bar: false}
  data: {class_path: Digits, init_args: {classes: [0, 1]}}
certify:
  model:
    class_path: Certification
    init_args:
      measure: {class_path: Gaussian, init_args: {sigma: 0.25}}
      votes: {class_path: NetworkVotes, init_args: {network: FrozenClassifier}}
      certifiers: {cp: {class_path: ClopperPearson, init_args: {n: 100}}}
  trainer: {logger: false, enable_progress_bar: false}
  data: {class_path: Digits, init_args: {classes: [0, 1], every: 10}}
"""


@pytest.mark.slow
def test_run_trains_an_own_network_and_certifies_it(tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(BOTH)
    (tmp_path / "own_layers.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.LazyLinear(2))\n"
        "        import torch\n        self(torch.zeros(1, 1, 8, 8))\n"
    )
    command = [sys.executable, "-m", "smoothing", "run", "--config", "both.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):  # again: nothing is left to train or to certify
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stderr
    assert "nothing was computed" in ended.stdout
    run = load_run(tmp_path / "runs" / "both")
    assert run.summary()["cp"]["accuracy"] > 0.8


@pytest.mark.slow
def test_configs_travel_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path), "."]
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "runs", "*.egg-info"))
    subprocess.run(build, check=True, cwd=copy)
    names = ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {f"configs/{config.name}.yaml" for config in ALL} <= set(names)
