"""Packages that import a name on first use (PEP 562).

The package lists its imports under ``if TYPE_CHECKING:``, where type checkers read them::

    if TYPE_CHECKING:
        from smoothing.votes.labels.ridge import Ridge

    __all__ = ["Ridge"]
    __getattr__, __dir__ = attach(__name__, __file__)
"""

import ast
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports its names on first use.

    Args:
        package: Name of the package.
        file: Its ``__init__.py``, with the imports under ``if TYPE_CHECKING:``.
    """
    modules = exported(Path(file))

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *modules})


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the garbage collector while many objects are created, such as modules or the lines of a file.

    It would search the growing number of objects again and again and find nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def is_instance(value: object, path: str) -> bool:
    """Return whether an object is an instance of a class, without importing the class.

    Before its module is imported, the class has no instances.

    Args:
        value: Any object.
        path: Dotted path of the class, such as ``"torch.Tensor"``.
    """
    module, _, name = path.rpartition(".")
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def package_file(package: str, *parts: str) -> Path:
    """Return the path of a file of an installed package, without importing the package.

    Args:
        package: Name of the package.
        parts: Path of the file within the package.

    Raises:
        ModuleNotFoundError: If the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"package {package} is not installed; must be installed", name=package)
    return Path(spec.submodule_search_locations[0], *parts)


def exported(file: Path) -> dict[str, str]:
    """Return the module of every name that a package imports under ``if TYPE_CHECKING:``.

    Args:
        file: The ``__init__.py`` of the package.
    """
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {
        alias.name: str(node.module)
        for block in body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
