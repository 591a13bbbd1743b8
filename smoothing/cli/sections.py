"""YAML configs. A config may have one section per command."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

OPTIONS = ("--config", "-c")


def config_first(args: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Move configs with sections before the command, where the parser reads the section of the command.

    Args:
        args: Command and options.
        commands: Names of the commands.

    Raises:
        ValueError: If a config cannot be read, or has sections, but none for the command.
    """
    command, *options = [part for arg in args for part in _split(arg)]
    before, after = [], [command]
    while options:
        option = options.pop(0)
        if option in OPTIONS and options and (sections := set(read_config(options[0])) & set(commands)):
            if command not in sections:
                raise ValueError(f"config: {options[0]} has no section {command}; must have one, or no sections")
            before += [option, options.pop(0)]
        else:
            after.append(option)
    return before + after


def read_configs(args: Sequence[str]) -> list[dict[str, Any]]:
    """Read all configs that the options name.

    Args:
        args: Command and options, each option and its value as two elements.

    Raises:
        ValueError: See `read_config`.
    """
    return [read_config(value) for option, value in pairwise(args) if option in OPTIONS]


def read_config(path: str) -> dict[str, Any]:
    """Read a YAML config.

    Raises:
        ValueError: If the file cannot be read or does not hold settings by name, naming the file and what is wrong.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"config: {path} does not exist; must be a YAML file") from None
    except OSError as error:
        raise ValueError(f"config: {path}: {error.strerror}; must be a YAML file") from None
    except UnicodeDecodeError:
        raise ValueError(f"config: {path} is no text; must be a YAML file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else ""
        raise ValueError(f"config: {path}{where}; must be YAML") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise ValueError(f"config: {path} holds {found}; must hold settings by name, such as model and data")
    if unnamed := [name for name in content if not isinstance(name, str)]:
        raise ValueError(f"config: {path} has a setting named {unnamed[0]}; must be text")
    return content


def _split(arg: str) -> list[str]:
    return arg.split("=", 1) if arg.startswith(tuple(f"{option}=" for option in OPTIONS)) else [arg]
