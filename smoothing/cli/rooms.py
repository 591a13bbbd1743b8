"""Classes that configs name by short names. A room is imported only if a command names one of its classes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from smoothing.lazy import exported

ROOMS = (
    "smoothing.measures",
    "smoothing.guarantees",
    "smoothing.votes",
    "smoothing.certifiers",
    "smoothing.collective",
    "datamodules",
    "datamodules.poisoning",
    "lightning_modules",
    "lightning_modules.architectures",
    "lightning_modules.defences",
    "lightning_modules.denoisers",
    "lightning_modules.encoders",
    "lightning_modules.learners",
    "lightning_modules.objectives",
)
"""Packages that export classes for configs."""

OTHERS = ("lightning_modules.networks.bodies",)
"""Modules with classes for configs that no package exports."""

_WORD = re.compile(r"\w+")


def import_named(texts: Iterable[str], rooms: Sequence[str] = ROOMS) -> None:
    """Import the modules of all names that packages export and that occur as a word in some texts.

    Args:
        texts: Any texts.
        rooms: The packages.
    """
    words = {word for text in texts for word in _WORD.findall(text)}
    for name, modules in modules_of_names(rooms).items():
        if name in words:
            for module in modules:
                import_module(module)
    for module in OTHERS if rooms == ROOMS else ():
        source = Path(str(_file(module))).read_text(encoding="utf-8")
        if words & set(re.findall(r"^class (\w+)", source, re.MULTILINE)):
            import_module(module)


def import_all(rooms: Sequence[str] = ROOMS) -> None:
    """Import the modules of all names that packages export."""
    for modules in modules_of_names(rooms).values():
        for module in modules:
            import_module(module)
    for module in OTHERS if rooms == ROOMS else ():
        import_module(module)


def modules_of_names(rooms: Sequence[str] = ROOMS) -> dict[str, list[str]]:
    """Return the modules that define each exported name."""
    found: dict[str, list[str]] = {}
    for room in rooms:
        for name, module in exported(_file(room)).items():
            found.setdefault(name, []).append(module)
    return found


def texts(content: Any) -> Iterator[str]:
    """Yield all strings in a config, keys included."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield str(name)
            yield from texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from texts(value)


def _file(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)
