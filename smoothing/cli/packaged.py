"""The configs that come with the package."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).resolve().parents[2] / "configs"
"""Folder of the packaged configs."""

SWEEPS = "sweeps"
"""Folder within it of the configs of sweeps."""

FIRST_LINE = re.compile(r"# For smoothing (?P<commands>.+?)\. Needs (?P<needs>.+)\.")
"""First line of every packaged config."""


@dataclass(frozen=True)
class PackagedConfig:
    """A packaged config.

    Attributes:
        name: Folder and file name without its ending, such as ``label_flip/digits``.
        path: Its file.
        commands: Commands that it is for, in their order.
        needs: What must be there before.
        purpose: First sentence of its description.
    """

    name: str
    path: Path
    commands: tuple[str, ...]
    needs: str
    purpose: str

    @classmethod
    def read(cls, path: Path) -> "PackagedConfig":
        """Read the comment at the beginning of a config.

        Raises:
            ValueError: If the first line is not as described in `FIRST_LINE`.
        """
        lines = path.read_text(encoding="utf-8").splitlines()
        first = FIRST_LINE.fullmatch(lines[0])
        if first is None:
            raise ValueError(f"config: {path}; its first line must be like: # For smoothing certify. Needs MNIST.")
        comment = " ".join(line[2:] for line in lines[1 : _comments(lines)])
        purpose = re.split(r"(?<=[.:]) (?=[A-Z\d])", comment, maxsplit=1)[0].rstrip(".:")
        commands = tuple(first["commands"].split(", then smoothing "))
        return cls(_name(path), path, commands, first["needs"], purpose)


def packaged() -> list[PackagedConfig]:
    """Return all packaged configs by name, without the configs of sweeps, which are for wandb."""
    paths = [path for path in sorted(FOLDER.rglob("*.yaml")) if path.parent.name != SWEEPS]
    return [PackagedConfig.read(path) for path in paths]


def find_config(path: str) -> str:
    """Return the file of a packaged config given by name; any other path as it is. Existing files come first.

    Args:
        path: A path, or a name such as ``label_flip/digits``.
    """
    if Path(path).exists():
        return path
    found = (FOLDER / path).with_suffix(".yaml")
    inside = found.resolve().is_relative_to(FOLDER.resolve())
    return str(found) if inside and found.is_file() else path


def configs(action: Literal["list", "copy"] = "list", name: str | None = None, folder: str = ".") -> None:
    """List the packaged configs, or copy one.

    Args:
        action: ``list`` or ``copy``.
        name: Config to copy, such as ``label_flip/digits``.
        folder: Folder to copy it to.

    Raises:
        ValueError: If there is no such config, or the folder already has a file of that name.
    """
    if action == "list":
        for each in packaged():
            print(f"{each.name:<32} {', '.join(each.commands):<13} needs {each.needs}\n    {each.purpose}")
        return
    if name is None:
        raise ValueError("configs copy: name is not given; must be one that smoothing configs lists")
    source = Path(find_config(name))
    if not source.is_file():
        raise ValueError(f"configs copy: name = {name}; must be one that smoothing configs lists")
    target = Path(folder, source.name)
    if target.exists():
        raise ValueError(f"configs copy: {target} exists; must be removed, or another folder given")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    for command in PackagedConfig.read(source).commands:
        print(f"smoothing {command} --config {target}")


def maker(checkpoint: str, config: str | None) -> str | None:
    """Return the command that makes a checkpoint, or None if it is unknown.

    Args:
        checkpoint: Path of the checkpoint.
        config: Config of the run that needs it.
    """
    run = re.fullmatch(r"(?:.*/)?runs/(.+)/checkpoints/[^/]+", checkpoint)
    if run is not None and (found := Path(find_config(run[1]))).is_file() and found.suffix == ".yaml":
        return f"smoothing fit --config {run[1]}"
    return None if config is None else f"smoothing fit --config {config}"


def _name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def _comments(lines: list[str]) -> int:
    """Return the number of comment lines at the beginning."""
    return next((number for number, line in enumerate(lines) if not line.startswith("# ")), len(lines))
