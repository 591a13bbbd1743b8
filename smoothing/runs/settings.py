"""Config settings that determine the results of a run."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

HOW_TO_RUN = ("trainer", "run_dir", "watch_radius")
"""Parts of a config that do not change the results."""

HOW_TO_LOAD = ("batch_size", "num_workers")
"""Arguments of a data module that do not change the examples."""

HOW_TO_KEEP = "model.init_args.keep_features"
"""Setting that says where features are kept, which does not change them."""

ABSENT = "absent"
"""Placeholder for a setting that a run does not have."""


def computed_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that determine the rows, as text by dotted name. Text, because 0.1 and "0.1" are the same."""
    kept = {name: value for name, value in config.items() if name not in HOW_TO_RUN}
    return {name: text for name, text in _leaves(kept, "") if not _is_loading(name) and name != HOW_TO_KEEP}


def differing_settings(settings: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the settings that are not equal in all runs.

    Args:
        settings: Settings of each run, by name of the run.

    Returns:
        For every setting that differs, its value in each run, by name of the run; `ABSENT` if a run lacks it.
    """
    keys = dict.fromkeys(key for of_run in settings.values() for key in of_run)
    values = {key: {name: of_run.get(key, ABSENT) for name, of_run in settings.items()} for key in keys}
    return {key: by_run for key, by_run in values.items() if len(set(by_run.values())) > 1}


def telling_settings(differing: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the settings that explain a difference, those of all runs first. Paths and hashes are left out.

    Args:
        differing: See `differing_settings`.
    """
    shared = {name: ABSENT not in values.values() for name, values in differing.items()}
    kept = [name for name, values in differing.items() if not any(map(_is_place, values.values()))]
    return {name: dict(differing[name]) for name in sorted(kept, key=lambda name: not shared[name])}


def _is_place(value: str) -> bool:
    """Return whether a value is a path or a hash."""
    return "/" in value or re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_loading(name: str) -> bool:
    parts = name.split(".")
    return parts[0] == "data" and parts[-1] in HOW_TO_LOAD


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _leaves(part, f"{name}.{key}" if name else str(key))
    if not parts:
        yield name, str(value)
