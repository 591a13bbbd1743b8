"""Exit with one line on standard error and status 2 if the input is bad."""

import re
import sys
import traceback
from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from smoothing.cli import signals
from smoothing.cli.ranks import claim_end, rank
from smoothing.cli.signals import leave

STATUS = 2
"""Exit status of every command that refuses its input."""

LONGEST = 1200
"""Characters of the longest message. The middle of a longer message is left out."""

_LOST = re.compile(r"connection (was )?(closed|reset|refused)|broken pipe|socket|gloo|timed out", re.IGNORECASE)

_KEY = re.compile(r'Parser key "([^"]+)"')
_PLAIN = (
    (re.compile(r'in "<unicode string>", '), "at "),
    (re.compile(r"unrecognized arguments: (.*)"), r"\1; must be an option that --help shows"),
    (re.compile(r"Option '(.*)' is not accepted"), r"\1; must be an option of its class"),
    (re.compile(r"Expected a dot import path string: (.*)"), r"\1; must be the name of a built-in or a dotted path"),
    (re.compile(r"Expected an? (?:<class ')?(.+?)(?:'>)?\. Got value: (.*)"), r"\2; must be \1"),
)


@contextmanager
def one_line(*kinds: type[Exception]) -> Iterator[None]:
    """Exit with one line on standard error and status 2 if the block raises an error of bad input.

    Args:
        kinds: Exceptions that mean bad input, in addition to those of the parser. Others propagate.
    """
    bad_input: tuple[type[Exception], ...] = (ArgumentError, *kinds)
    try:
        yield
    except bad_input as error:
        refuse(explain(error))


def refuse(message: str) -> NoReturn:
    """Print one line, once for all ranks, and exit with status 2."""
    prints, status = claim_end(STATUS)
    if prints:
        _print("error:", message)
    raise SystemExit(status)


def warn(message: str) -> None:
    """Print a warning on one line, on rank 0."""
    if rank() == 0:
        _print("warning:", message)


def fail(error: Exception) -> NoReturn:
    """End the process after an unexpected error.

    It prints a traceback, or one line if memory was refused or another rank was lost.
    """
    full = _out_of_memory(error)
    prints, status = claim_end(STATUS if full else 1)
    if prints and full:
        first = next(iter(str(error).splitlines()), "a size in the config is too large")
        _print("error:", f"out of memory: {first}; {signals.state()}")
    elif prints and _lost_connection(error):
        _print("error:", f"another process of this run ended or cannot be reached; {signals.state()}")
    elif prints:
        traceback.print_exception(error)
    leave(status)


def _print(kind: str, message: str) -> None:
    line = " ".join(message.split())
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    print(kind, line, file=sys.stderr, flush=True)


def _out_of_memory(error: Exception) -> bool:
    """Return whether the system or a device refused memory. On a CPU, torch has no exception of its own for that."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return type(error) is RuntimeError and "DefaultCPUAllocator" in str(error)


def _lost_connection(error: Exception) -> bool:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available():
        return False
    if isinstance(error, distributed.DistError):
        return True
    return distributed.is_initialized() and type(error) is RuntimeError and bool(_LOST.search(str(error)))


def explain(error: BaseException) -> str:
    """Return the reason for an error of the parser, with the full name of the parameter.

    The parser reports a bad value with all types that it tried. Its exceptions are chained, and each one holds the next
    part of the parameter's name. The reason is in the last exception of the parser or in the first of other code.
    """
    keys: list[str] = []
    seen = ""
    while error.__cause__ is not None and _raised_by_parser(error):
        if str(error) != seen and (key := _KEY.match(str(error))):
            keys.append(key[1])
        if str(error) != seen and str(error).startswith("Problems parsing config"):
            keys.append("config")
        seen = str(error)
        error = error.__cause__
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    reason = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if key := _KEY.match(reason):
        keys.append(key[1])
        reason = reason[key.end() :].lstrip(":\n ")
    for pattern, plain in _PLAIN:
        reason = pattern.sub(plain, reason)
    return f"{'.'.join(keys)}: {reason}" if keys else reason


def _raised_by_parser(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return str(module).partition(".")[0] in ("jsonargparse", "argparse")
