"""Recipes: class and constructor arguments of an object as plain values, to rebuild the object."""

import inspect
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

from torch import Tensor

Recipe = dict[str, Any]
"""``class_path`` and ``init_args``, as in a config."""

T = TypeVar("T")


def describe(made: object, leave_out: Sequence[str] = ()) -> Recipe:
    """Return the recipe of an object that keeps every constructor argument in an attribute of the same name.

    Objects with equal recipes are equal.

    Args:
        made: The object.
        leave_out: Names of arguments to omit.

    Raises:
        ValueError: If the object does not keep an argument, or the argument has no plain form.
    """
    kind = type(made)
    arguments = {}
    for name in inspect.signature(kind).parameters:
        if name not in leave_out:
            if not hasattr(made, name):
                raise ValueError(f"{kind.__name__}: {name} is not kept; must be kept in an attribute of that name")
            arguments[name] = _plain(getattr(made, name))
    return {"class_path": f"{kind.__module__}.{kind.__qualname__}", "init_args": arguments}


def build(recipe: Mapping[str, Any], kind: type[T]) -> T:
    """Build an object from its recipe.

    Args:
        recipe: Result of `describe`.
        kind: Class of which the object must be an instance.

    Raises:
        ValueError: If the class cannot be imported, or is not a subclass of ``kind``.
    """
    module, _, name = str(recipe["class_path"]).rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{recipe['class_path']}; must be a class that can be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{recipe['class_path']}; must be a {kind.__name__}")
    return found(**{name: _built(value) for name, value in recipe["init_args"].items()})


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    return describe(value)


def _built(value: Any) -> Any:
    if isinstance(value, list):
        return [_built(part) for part in value]
    if isinstance(value, Mapping) and value.keys() == {"class_path", "init_args"}:
        return build(value, object)
    if isinstance(value, Mapping):
        return {key: _built(part) for key, part in value.items()}
    return value
