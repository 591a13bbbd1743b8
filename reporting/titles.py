"""Titles of figures and pages: data set, measure, number of draws and of examples."""

from collections.abc import Iterator, Mapping
from typing import Any

from smoothing.certificates.table import Table


def run_title(config: Mapping[str, Any], table: Table) -> str:
    """Return data set, measure, number of draws ``n`` and number of examples of a run, as far as they are known.

    Args:
        config: Resolved config; empty if there is none.
        table: Certificates.
    """
    parts = [_short(config.get("data")), measure_title(config)]
    draws = table["n"].compressed()  # type: ignore[attr-defined]  # an optional column is a masked array
    if len(draws) and draws.max():
        parts.append(f"n = {draws.max():,}")
    parts.append(f"{len(table) // len(table.certifiers):,} examples")
    return ", ".join(part for part in parts if part)


def common_title(titles: list[str]) -> str:
    """Return the parts that all titles share, in the order of the first one."""
    others = [set(_split(title)) for title in titles[1:]]
    return ", ".join(part for part in _split(titles[0]) if all(part in other for other in others)) if titles else ""


def measure_title(config: Mapping[str, Any]) -> str:
    """Return the measure of a run with its arguments; empty if it is unknown."""
    return next((_short(found) for found in _named(config, "measure")), "")


def _split(title: str) -> Iterator[str]:
    """Yield the parts of a title. Commas inside parentheses and numbers do not separate parts."""
    depth, part = 0, ""
    for sign in f"{title}, ".split(", "):
        part = f"{part}, {sign}" if part else sign
        depth = part.count("(") - part.count(")")
        if not depth and part:
            yield part
            part = ""


def _named(config: Any, name: str) -> Iterator[Any]:
    if isinstance(config, Mapping):
        if name in config:
            yield config[name]
        for value in config.values():
            yield from _named(value, name)


def _short(section: Any) -> str:
    """Return the class of a section of a config, and its numbers and classes in parentheses."""
    if not isinstance(section, Mapping) or "class_path" not in section:
        return ""
    name = str(section["class_path"]).rpartition(".")[2]
    arguments = section.get("init_args") or {}
    shown = [
        f"{argument}={text}"
        for argument, value in arguments.items()
        if (text := _short(value) if isinstance(value, Mapping) else _number(value))
    ]
    return f"{name}({', '.join(shown)})" if shown and "data" not in str(section["class_path"]) else name


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
