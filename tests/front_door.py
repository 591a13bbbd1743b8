"""Runs of the command line: in a process forked after the imports, in a new process, or in this process."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smoothing.certificates.journal import Journal
from smoothing.cli.main import run_command
from smoothing.cli.rooms import OTHERS, modules_of_names

# All processes are forked from one that has only imported modules. It searches the same path.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
CLASSES = sorted({module for modules in modules_of_names().values() for module in modules})
multiprocessing.set_forkserver_preload(
    ["smoothing.cli.run", "smoothing.cli.table", *CLASSES, *OTHERS, "tests.front_door"]
)


DIGITS = {
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "LabelFlip", "init_args": {"q": 0.3, "num_classes": 2}},
            "votes": {"class_path": "Ridge"},
            "certifiers": {
                "chernoff_kl": {"class_path": "Chernoff", "init_args": {"guarantee": "KL"}},
                "chernoff_tight": {"class_path": "Chernoff", "init_args": {"guarantee": "NeymanPearson"}},
                "exact": {"class_path": "ExactVote"},
            },
        },
    },
    "data": {"class_path": "Digits", "init_args": {"classes": [1, 7], "batch_size": 16}},
    "trainer": {"logger": False, "enable_progress_bar": False, "accelerator": "cpu", "devices": 1},
}
"""A config that runs in a second."""

PARTITIONS = {
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "UnchangedLabels", "init_args": {"num_classes": 2}},
            "votes": {
                "class_path": "Partitions",
                "init_args": {"parts": 20, "learner": {"class_path": "Ridge"}},
            },
            "certifiers": {
                "dpa": {"class_path": "Plurality"},
                "run_off": {"class_path": "RunOff"},
                "white_box": {"class_path": "WhiteBox"},
            },
        },
    },
    "data": DIGITS["data"],
    "trainer": DIGITS["trainer"],
}
"""A config without noise."""

POISONED = {
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "UnchangedExamples"},
            "votes": {
                "class_path": "Partitions",
                "init_args": {
                    "parts": 20,
                    "partition": {"class_path": "ByHash"},
                    "learner": {"class_path": "Ridge"},
                },
            },
            "certifiers": {"dpa": {"class_path": "Plurality"}, "run_off": {"class_path": "RunOff"}},
        },
    },
    "data": DIGITS["data"],
    "trainer": DIGITS["trainer"],
}
"""A config without noise against inserted and deleted examples."""


@dataclass(frozen=True)
class Outcome:
    """Exit status of a process (minus the signal that killed it) and its output."""

    status: int
    out: str
    err: str


def launch(args: list[str], cwd: Path, before: Callable[[], None] | None = None) -> Outcome:
    """Run ``smoothing`` with arguments in a folder.

    Args:
        args: Command and options.
        cwd: Working directory.
        before: Called in the process first; must be picklable.
    """
    printed = cwd / "stdout.txt", cwd / "stderr.txt"
    process = multiprocessing.get_context("forkserver").Process(target=_run, args=(args, cwd, *printed, before))
    process.start()
    process.join()
    assert process.exitcode is not None
    out, err = (path.read_text() for path in printed)
    for path in printed:
        path.unlink()
    return Outcome(process.exitcode, out, err)


def run_here(args: list[str], cwd: Path, capture: pytest.CaptureFixture[str]) -> Outcome:
    """Run ``smoothing`` in this process. The caller restores environment and working directory.

    Args:
        args: Command and options.
        cwd: Working directory.
        capture: Captures what is printed.
    """
    before = list(sys.path)
    capture.readouterr()
    os.chdir(cwd)
    status = 0
    try:
        run_command(args)
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.path[:] = before
        # Other folders have classes with the same names.
        for name in [name for name, module in sys.modules.items() if _is_below(module, cwd)]:
            del sys.modules[name]
    printed = capture.readouterr()
    return Outcome(status, printed.out, printed.err)


def _is_below(module: object, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


def launch_on_two_ranks(args: list[str], cwd: Path) -> Outcome:
    """Run on two ranks, in a new process: Lightning starts the second rank by the command line of the first."""
    command = [sys.executable, "-m", "smoothing", *args, "--trainer.devices=2", "--trainer.strategy=ddp"]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def _run(args: list[str], cwd: Path, out: Path, err: Path, before: Callable[[], None] | None) -> None:
    os.chdir(cwd)
    for number, path in enumerate((out, err), 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["smoothing", *args]
    if before is not None:
        before()
    from smoothing.cli.main import main

    main()


def kill_after(lines: int) -> None:
    """Make the process kill itself after it has written a number of lines to its shards."""
    extend, written = Journal.extend, 0

    def extend_and_die(self: Journal[Any], pieces: Sequence[Any]) -> None:
        nonlocal written
        for piece in pieces:
            extend(self, [piece])
            written += 1
            if written == lines:
                os.kill(os.getpid(), signal.SIGKILL)

    Journal.extend = extend_and_die  # type: ignore[method-assign]
