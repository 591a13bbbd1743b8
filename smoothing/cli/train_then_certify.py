"""The command ``run``: train a network, then certify it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from smoothing.cli.errors import one_line
from smoothing.cli.packaged import find_config
from smoothing.cli.ranks import world
from smoothing.cli.sections import read_config
from smoothing.runs.run_directory import checkpoints

SECTIONS = ("fit", "certify")


def train_then_certify(config: str) -> None:
    """Train with the section ``fit`` of a config, then certify with the section ``certify``.

    A training that was interrupted is resumed, and so is the certify run. The second command replaces this process.

    Args:
        config: Config with both sections; the section ``fit`` sets ``run_dir``.

    Raises:
        SystemExit: With status 2 after one line on standard error, if the config is not as described.
    """
    path = find_config(config)
    with one_line(ValueError):
        folder = _training_of(path, config)
    # Lightning sets variables for the processes that it starts. The second command needs those of this process.
    environment = dict(os.environ)
    begun = _latest(folder)
    resume = [] if begun is None else [f"--ckpt_path={begun}"]

    from smoothing.cli.main import run_command

    run_command(["fit", f"--config={path}", *resume])
    if "LOCAL_RANK" in environment and world(environment) is None:
        return  # started by Lightning for the training of another process
    options = [f"--config={path}", f"--base_ckpt={_latest(folder)}"]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "smoothing", "certify", *options], environment)


def _training_of(path: str, config: str) -> Path:
    """Return the directory of the training.

    Raises:
        ValueError: If the config has not both sections, or the directory is not set.
    """
    sections = read_config(path)
    if missing := [name for name in SECTIONS if name not in sections]:
        raise ValueError(
            f"run: config = {config} has no section {missing[0]}; must have fit and certify. Use smoothing fit or "
            "smoothing certify"
        )
    if not (sections["fit"] or {}).get("run_dir"):
        raise ValueError(f"run: config = {config}: section fit has no run_dir; must have one, apart from certify's")
    return Path(sections["fit"]["run_dir"])


def config_of(options: Sequence[str]) -> str:
    """Return the config among the options of ``run``.

    Raises:
        ValueError: If there is another option, or no config.
    """
    parts = [part for option in options for part in option.split("=", 1)]
    if len(parts) != 2 or parts[0] not in ("--config", "-c"):
        raise ValueError("run: must have --config alone; give other options to smoothing fit and smoothing certify")
    return parts[1]


def _latest(folder: Path) -> Path | None:
    """Return the latest checkpoint of a training, or None."""
    return max(checkpoints(folder), key=lambda path: path.stat().st_mtime, default=None)
