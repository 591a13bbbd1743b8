import subprocess
import sys
from pathlib import Path

import pytest

from tests.front_door import launch

COMMANDS = ("certify", "fit", "compare", "table")


def test_help_names_the_commands(tmp_path: Path) -> None:
    outcome = launch(["--help"], tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert all(f"    {command} " in outcome.out for command in COMMANDS)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("certify", ("--config", "--run_dir", "--model", "--data", "--trainer.devices", "--print_config")),
        ("fit", ("--config", "--run_dir", "--model", "--data", "--trainer.max_epochs", "--ckpt_path")),
        ("compare", ("runs", "--radii", "--out")),
        ("table", ("--measure", "--max_radius", "--exact")),
    ],
)
def test_every_command_has_help(tmp_path: Path, command: str, options: tuple[str, ...]) -> None:
    outcome = launch([command, "--help"], tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert all(option in outcome.out for option in options)


def test_built_in_classes_are_listed(tmp_path: Path) -> None:
    outcome = launch(["certify", "--data.help=Digits"], tmp_path)
    assert outcome.status == 0
    assert "--data.classes" in outcome.out


@pytest.mark.parametrize(
    ("args", "absent"),
    [
        (["--help"], ("torch", "pytorch_lightning")),
        (["table", "--measure=LabelFlip", "--measure.q=.2", "--measure.num_classes=2", "--max_radius=2"],
         ("pytorch_lightning", "torchvision", "wandb", "diffusers", "timm", "matplotlib")),
        (["certify", "--bogus"], ("wandb", "diffusers", "timm", "statsmodels")),
    ],
)  # fmt: skip
def test_commands_import_only_what_they_need(args: list[str], absent: tuple[str, ...]) -> None:
    """Imports take most of the time of a short command."""
    program = (
        "import sys; from smoothing.cli.main import run_command\n"
        f"try: run_command({args})\nexcept SystemExit: pass\n"
        f"print('imported:', *sorted(set({absent}) & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "imported:"
