"""One config for several commands: a section for each, under its name."""

from collections.abc import Sequence
from pathlib import Path

import yaml

OPTION = "--config"


def config_first(args: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Move configs that have sections before the command, where the parser takes the section of the command.

    Args:
        args: Command and options.
        commands: Names that a section may have.

    Raises:
        ValueError: If a config has sections, but none for the command.
    """
    command, *options = [part for arg in args for part in _split(arg)]
    before, after = [], [command]
    while options:
        option = options.pop(0)
        if option == OPTION and options and (sections := _sections(options[0]) & set(commands)):
            if command not in sections:
                raise ValueError(f"config: {options[0]} has no section {command}; must have, or have no sections")
            before += [option, options.pop(0)]
        else:
            after.append(option)
    return before + after


def _split(arg: str) -> list[str]:
    return arg.split("=", 1) if arg.startswith(f"{OPTION}=") else [arg]


def _sections(path: str) -> set[str]:
    """Names of what stands at the top of a config; none where it cannot be read, which the parser will find out."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return set()
    return set(content) if isinstance(content, dict) else set()
