"""Suggestions for misspelt names of classes and options."""

import inspect
import re
from argparse import ArgumentError
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, get_args, get_type_hints

from jsonargparse import ArgumentParser

_CLASS = re.compile(r"given class_path '([\w.]+)'")
_KEY = re.compile(r'Parser key "([^"]+)"')
_UNKNOWN_CLASS = re.compile(r"Expected a dot import path string: (\S+)")
_UNKNOWN_OPTION = re.compile(r"Option '([^']+)' is not accepted")
_UNKNOWN_ARGUMENT = re.compile(r"unrecognized arguments: (--[^\s=]+)")


def nearest(error: ArgumentError, parsers: Mapping[str, ArgumentParser]) -> str:
    """Return the known names that are nearest to a misspelt one, and the list of all, as the end of a message.

    Args:
        error: Error of the parser.
        parsers: Parser of each command.

    Returns:
        The suggestion, empty if the error is not about a name.
    """
    text = str(error)
    if found := _UNKNOWN_CLASS.search(text):
        return suggest(found[1], sorted(_class_names(text)))
    if found := _UNKNOWN_OPTION.search(text):
        return suggest(found[1], _parameters(text))
    if found := _UNKNOWN_ARGUMENT.search(text):
        options = {option for parser in parsers.values() for option in parser._option_string_actions}
        return suggest(found[1], sorted(options), listed=False)
    return ""


def suggest(word: str, known: list[str], listed: bool = True) -> str:
    """Return the known names that are nearest to a word, as the end of a message.

    Args:
        word: Misspelt name.
        known: Known names.
        listed: Whether to list all known names.
    """
    by_lower = {name.lower(): name for name in known}
    close = [by_lower[name] for name in get_close_matches(word.lower(), by_lower, cutoff=0.6)]
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{meant}{'; known: ' + ', '.join(known) if listed and known else ''}"


def _class_names(text: str) -> set[str]:
    """Return the names of the classes that the setting accepts."""
    hint = _hint(text)
    bases = [hint, *_parts(hint)]
    return {
        kind.__name__
        for base in bases
        if isinstance(base, type) and base.__module__ != "builtins"
        for kind in _subclasses(base)
        if not inspect.isabstract(kind) and not kind.__name__.startswith("_")
    }


def _hint(text: str) -> Any:
    """Return the type of the setting: of a parameter of the innermost class, or of an argument of the command."""
    keys, classes = list(_KEY.finditer(text)), list(_CLASS.finditer(text))
    if not keys:
        return None
    if not classes:
        return _named_type(keys[-1][1])
    try:
        return get_type_hints(_imported(classes[-1][1]).__init__).get(keys[-1][1].partition(".")[0])
    except (NameError, TypeError, ImportError, AttributeError):
        return None


def _named_type(argument: str) -> Any:
    """Return the type of an argument of a command. Lightning is imported only by the commands that run on it."""
    if argument == "measure":
        from smoothing.measures import SmoothingMeasure

        return SmoothingMeasure
    if argument == "model":
        import pytorch_lightning as pl

        return pl.LightningModule
    if argument == "data":
        from datamodules import DataModule

        return DataModule
    return None


def _parameters(text: str) -> list[str]:
    classes = _CLASS.findall(text)
    if not classes:
        return []
    try:
        parameters = inspect.signature(_imported(classes[-1])).parameters
    except (ValueError, TypeError, ImportError, AttributeError):
        return []
    return [name for name, one in parameters.items() if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _parts(hint: Any) -> Iterator[Any]:
    for part in get_args(hint):
        yield part
        yield from _parts(part)


def _subclasses(kind: type) -> Iterator[type]:
    children: list[type] = type.__subclasses__(kind)
    for below in children:
        yield below
        yield from _subclasses(below)
