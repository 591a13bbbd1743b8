"""Identity: hashes of the state of objects, and of source files from outside this project."""

import ast
import hashlib
import importlib.util
import inspect
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from smoothing.provenance.code import ROOT

PACKAGES = ("smoothing", "callbacks", "datamodules", "lightning_modules", "reporting")
"""Packages of this project. Their version is recorded; their files are not hashed."""

_NETWORK_STATE = ("training", "_parameters", "_buffers", "_modules")
_NETWORK_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def state_hashes(objects: Mapping[str, object]) -> dict[str, str]:
    """Hash the state of objects: tensors, arrays, networks, plain values and files, at any depth.

    The state of an object is what `pickle` stores: all attributes, the elements of containers, and the state of types
    written in C. If a string or path names an existing file, the content of the file is hashed too. Of an object that
    cannot be pickled (a lock, an open file), only the class is hashed.

    Args:
        objects: Objects by name. None is skipped.

    Returns:
        SHA-256 in hexadecimal by name. Each outermost network has an entry under its dotted name, for example
        ``votes.network``, which covers all weights and buffers. Everything else is in the entry of its object.
    """
    walk = _Walk()
    for name, value in objects.items():
        if value is not None:
            walk.add(name, value)
    return dict(sorted(walk.hashes.items()))


def source_hashes(objects: Mapping[str, object]) -> dict[str, str]:
    """Hash the source files of all classes and functions in objects, at any depth, and the files they import.

    Files of this project, of installed distributions and of the standard library are skipped: their versions are
    recorded.

    Args:
        objects: Objects by name. None is skipped.

    Returns:
        SHA-256 in hexadecimal by name of the Python module.
    """
    walk = _Walk()
    for name, value in objects.items():
        walk.add(name, value)
    files: dict[str, str] = {}
    pending = list(walk.code)
    while pending:
        name, path, code = pending.pop()
        if name in files or not _is_outside(path):
            continue
        content = path.read_bytes() if path.is_file() else code.encode()
        files[name] = hashlib.sha256(content).hexdigest()
        pending += _imported(content, name)
    return dict(sorted(files.items()))


class _Walk:
    """One walk through the state of objects. Visited objects are kept alive, because they are identified by address."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.code: set[tuple[str, Path, str]] = set()
        self._visited: dict[int, tuple[int, object]] = {}

    def add(self, name: str, value: object) -> None:
        digest = hashlib.sha256()
        self._feed(digest, name, value, None)
        self.hashes.setdefault(name, digest.hexdigest())

    def _feed(self, digest: Any, name: str, value: Any, network: object) -> None:
        """Update a digest by a value. ``network`` is the outermost network that contains it, if any."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes | PathLike):
            digest.update(f"{type(value).__name__} {value!r};".encode())
            if isinstance(value, str | PathLike) and Path(value).suffix:
                _feed_file(digest, value)
            return
        if id(value) in self._visited:
            digest.update(f"visited {self._visited[id(value)][0]};".encode())
            return
        self._visited[id(value)] = len(self._visited), value
        if isinstance(value, Tensor) and value.layout is torch.strided and not value.is_meta:
            flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(f"tensor {tuple(value.shape)} {value.dtype} {value.requires_grad};".encode())
            digest.update(flat.numpy().data)
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            digest.update(f"array {value.shape} {value.dtype.str};".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, nn.Module) and network is None:
            # Networks in one list, or under the names net and _net, have one name here.
            entry = next(entry for entry in _numbered(name) if entry not in self.hashes)
            digest.update(f"network {entry};".encode())
            self.hashes[entry] = ""
            inner = hashlib.sha256()
            self._feed_object(inner, name, value, value)
            self.hashes[entry] = inner.hexdigest()
        else:
            self._feed_object(digest, name, value, network)

    def _feed_object(self, digest: Any, name: str, value: Any, network: object) -> None:
        """Update a digest by an object that is neither a plain value nor an array."""
        if hasattr(value, "__qualname__") or isinstance(value, ModuleType):
            digest.update(f"code {_code_name(value)};".encode())
            self._note(value)
            parts: list[tuple[Any, Any]] = [] if isinstance(value, type) else list(enumerate(_held(value)))
        else:
            digest.update(f"object {_code_name(type(value))};".encode())
            self._note(type(value))
            parts = list(_parts(value))
        for key, part in parts:
            digest.update(b"part ")
            self._feed(digest, name, key, network)
            self._feed(digest, f"{name}.{str(key).lstrip('_')}" if isinstance(key, str) else name, part, network)
        digest.update(b"end;")

    def _note(self, value: Any) -> None:
        """Record the source file of a class and its bases, or of a function."""
        for code in value.__mro__ if isinstance(value, type) else (value,):
            try:
                path = Path(inspect.getsourcefile(code) or "")
                source = "" if path.is_file() else inspect.getsource(code)
            except (TypeError, OSError):
                continue
            self.code.add((_module_name(code), path, source))


def _numbered(name: str) -> Iterator[str]:
    """Yield a name, then the name with the numbers 2, 3, ..."""
    yield name
    yield from (f"{name}.{number}" for number in count(2))


def _held(function: Any) -> Iterator[Any]:
    """Yield the object of a method, the default arguments of a function and the values of its enclosing scopes."""
    owner = getattr(function, "__self__", None)
    yield None if isinstance(owner, ModuleType) else owner
    yield from (getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None))
    for cell in getattr(function, "__closure__", None) or ():
        # A variable without a value yet.
        with suppress(ValueError):
            yield cell.cell_contents


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the parts of the state of an object, each with its name or number."""
    if isinstance(value, nn.Module):
        ignored = vars(nn.Module()).keys() - {*_NETWORK_STATE}
        yield from ((key, part) for key, part in vars(value).items() if key not in ignored)
        yield from ((key, list(getattr(value, key).values())) for key in _NETWORK_HOOKS)
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, set | frozenset):
        # Members have no order of their own. Their hashes have one.
        yield from enumerate(sorted(str(state_hashes({"member": member})) for member in value))
    elif type(value) in (list, tuple):
        yield from enumerate(value)
    else:
        try:
            reduced = value.__reduce_ex__(4)
            # A string is the name of a global object.
            stored = (None, (reduced,)) if isinstance(reduced, str) else reduced
            _, arguments, state, items, pairs = (*stored, None, None, None)[:5]
        except Exception:  # classes raise errors of any kind
            state, arguments, items, pairs = getattr(value, "__dict__", None), (), None, None
        yield "arguments", arguments
        yield from state.items() if isinstance(state, dict) else [("state", state)]
        yield from enumerate(items or ())
        yield from pairs or ()


def _feed_file(digest: Any, path: str | PathLike[str]) -> None:
    try:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    except (OSError, ValueError):
        return


def _module_name(code: Any) -> str:
    return str(code.__name__ if isinstance(code, ModuleType) else getattr(code, "__module__", None))


def _code_name(code: Any) -> str:
    return f"{_module_name(code)}.{getattr(code, '__qualname__', '')}"


def _is_outside(path: Path) -> bool:
    """Return whether a file is outside this project, installed distributions and the standard library."""
    if not path.is_absolute():
        return True
    path = path.resolve()
    libraries = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    libraries += [*site.getsitepackages(), site.getusersitepackages()]
    inside = [*map(Path, libraries), *(ROOT / package for package in PACKAGES)]
    return not any(path.is_relative_to(folder.resolve()) for folder in inside)


def _imported(content: bytes, name: str) -> Iterator[tuple[str, Path, str]]:
    """Yield the modules that a source file imports."""
    package = getattr(sys.modules.get(name), "__package__", None) or ""
    for node in ast.walk(ast.parse(content)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for imported in names:
            path = getattr(sys.modules.get(imported), "__file__", None)
            if path and path.endswith(".py"):
                yield imported, Path(path), ""
