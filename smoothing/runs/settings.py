"""What a run computes, by its config."""

from collections.abc import Iterator, Mapping
from typing import Any

HOW_TO_RUN = ("trainer", "run_dir")
"""Parts of a config that say how a run is done, not what it computes."""

HOW_TO_LOAD = ("batch_size", "num_workers")
"""Arguments of a data module that say how examples are loaded, not which."""

ABSENT = "absent"
"""Stands where a run has no such setting."""


def computed_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """What of a config rows depend on, by dotted name; as text, since a number may come as one or as its digits."""
    kept = {name: value for name, value in config.items() if name not in HOW_TO_RUN}
    return {name: text for name, text in _leaves(kept, "") if not _is_loading(name)}


def differing_settings(settings: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Settings that are not the same in all runs.

    Args:
        settings: Settings by name of their run.

    Returns:
        For every setting that differs, its value by name of the run; `ABSENT` where there is none.
    """
    keys = dict.fromkeys(key for of_run in settings.values() for key in of_run)
    values = {key: {name: of_run.get(key, ABSENT) for name, of_run in settings.items()} for key in keys}
    return {key: by_run for key, by_run in values.items() if len(set(by_run.values())) > 1}


def _is_loading(name: str) -> bool:
    parts = name.split(".")
    return parts[0] == "data" and parts[-1] in HOW_TO_LOAD


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _leaves(part, f"{name}.{key}" if name else str(key))
    if not parts:
        yield name, str(value)
