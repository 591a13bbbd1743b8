import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from smoothing.cli.rooms import ROOMS
from smoothing.lazy import exported
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


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        ("certify", {"measures": "LabelFlip", "votes": "Ridge", "certifiers": "ClopperPearson", "data": "TableFile"}),
        ("fit", {"networks": "BaseClassifier", "architectures": "LeNet", "objectives": "MACER"}),
        ("plan", {"measures": "Gaussian", "guarantees": "NeymanPearson"}),
    ],
)
def test_help_begins_with_an_example_and_ends_with_the_trainer(
    tmp_path: Path, command: str, kinds: dict[str, str]
) -> None:
    lines = launch([command, "--help"], tmp_path).out.splitlines()
    assert lines[0] == f"usage: smoothing {command} --config CONFIG [--run_dir DIR] [options]"
    assert lines[2] == "examples:"
    assert lines[3].startswith(f"  smoothing {command} --config ")
    page = "\n".join(lines)
    for kind, name in kinds.items():
        (listed,) = re.findall(rf"^  {kind}: +((?:.*\n)(?: {{17}}.*\n)*)", page, re.MULTILINE)
        assert name in re.findall(r"\w+", listed)
        assert not {"SmoothingMeasure", "Votes", "LinearVotes", "Certifier", "Guarantee"} & set(listed.split(", "))
    headings = [line for line in lines if re.fullmatch(r"\S.*:", line)]
    assert headings.index("options:") < headings.index("model:") < headings.index("data:")
    assert headings[-1] == "options of the trainer of Lightning:"
    assert "--trainer." not in page.partition(headings[-1])[0]


def test_built_in_classes_are_listed(tmp_path: Path) -> None:
    outcome = launch(["certify", "--data.help=Digits"], tmp_path)
    assert outcome.status == 0
    assert "--data.classes" in outcome.out


def test_version_is_printed(tmp_path: Path) -> None:
    outcome = launch(["--version"], tmp_path)
    assert (outcome.status, outcome.out, outcome.err) == (0, f"smoothing {version('smoothing-certificates')}\n", "")


SLOW = ("torch", "scipy", "sklearn", "matplotlib", "pytorch_lightning", "torchvision", "wandb", "statsmodels", "pandas")
UNUSED = ("diffusers", "timm", "statsmodels", "transformers", "sklearn.decomposition")
TABLE = ["table", "--measure=LabelFlip", "--measure.q=.2", "--measure.num_classes=2", "--max_radius=2"]


def imported_by(program: str, names: tuple[str, ...], cwd: Path) -> list[str]:
    """Return which of some modules a program has imported at its end, in a new process."""
    ending = f"\nimport sys; print('imported:', *sorted(set({names}) & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program + ending], cwd=cwd, capture_output=True, text=True, check=True
    )
    first, *found = ended.stdout.splitlines()[-1].split()
    assert first == "imported:"
    return found


@pytest.mark.parametrize(
    ("args", "absent"),
    [
        (["--help"], SLOW),
        (["--version"], SLOW),
        (["certify", "--config", "absent.yaml"], SLOW),
        (["certify", "--config=broken.yaml"], SLOW),
        (["fit", "--config", "broken.yaml"], SLOW),
        (["plan", "--config", "absent.yaml"], SLOW),
        (["compare", "nowhere"], tuple(name for name in SLOW if name != "matplotlib")),
        (TABLE, SLOW),
        (["certify", "--bogus"], ("wandb", *UNUSED[:4])),
        (["certify", "--config", "digits.yaml", "--trainer.devices=0"], ("wandb", "tensorboard", *UNUSED)),
    ],
)
def test_commands_import_only_what_they_need(workplace: Path, args: list[str], absent: tuple[str, ...]) -> None:
    """Imports take most of the time of a short command."""
    (workplace / "broken.yaml").write_text("model:\n  class_path: [\n")
    program = f"from smoothing.cli.main import run_command\ntry: run_command({args})\nexcept SystemExit: pass"
    assert imported_by(program, absent, workplace) == []


def test_runs_and_comparisons_import_only_what_they_need(workplace: Path) -> None:
    """Comparisons read tables, and wandb alone starts in two seconds less without its subpackage Launch."""
    start = "from smoothing.cli.main import run_command\nrun_command"
    program = f"{start}(['certify', '--config=digits.yaml', '--run_dir=run'])"
    names = ("sklearn", "pandas", "plotly", "itables", "opentelemetry.sdk", "torchvision.transforms.v2", "statsmodels")
    assert imported_by(program, names, workplace) == []
    program = f"{start}(['compare', 'run'])"
    names = ("torch", "pytorch_lightning", "wandb", "wandb.sdk.launch")
    assert imported_by(program, names, workplace) == ["wandb"]


def test_a_process_ends_in_order_without_freeing_its_memory(tmp_path: Path) -> None:
    """Freeing it takes more than a second."""
    script = """
import atexit, os, sys, threading, time
from smoothing.cli.main import main

class Freed:
    def __del__(self):
        os.write(2, b"freed")

kept = Freed()
file = open("unclosed.txt", "w")
file.write("written")
atexit.register(print, "at exit")
def work():
    time.sleep(0.5)
    print("thread")
threading.Thread(target=work).start()
sys.argv = ["smoothing", "--version"]
main()
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [f"smoothing {version('smoothing-certificates')}", "thread", "at exit"]
    assert (tmp_path / "unclosed.txt").read_text() == "written"
    assert ended.stderr == ""


@pytest.mark.parametrize("package", ["smoothing", *ROOMS, "smoothing.certificates", "smoothing.attacks"])
def test_packages_import_their_names_on_first_use(package: str, tmp_path: Path) -> None:
    assert imported_by(f"import {package}", (*SLOW, "numpy"), tmp_path) == []


@pytest.mark.parametrize("package", [*ROOMS, "smoothing.certificates", "smoothing.attacks", "smoothing.privacy_loss"])
def test_packages_export_what_they_list(package: str) -> None:
    room = import_module(package)
    assert set(exported(Path(str(room.__file__)))) == set(room.__all__) <= set(dir(room))
    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        room.Nope  # noqa: B018
