"""Construction of the objects in a config."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def instantiate(kind: type[T], *args: Any, **kwargs: Any) -> T:
    """Construct an object. Its arguments must be constructed already.

    Raises:
        ValueError: If an argument still holds the description of an object. The parser constructs objects only where
            the parameter is annotated with their class.
    """
    for name, value in kwargs.items():
        if (path := _described(value)) is not None:
            raise ValueError(
                f"{kind.__name__}: {name} is not annotated with a class, and would get the description of {path} "
                f"instead of the object; the annotation must name the class, such as list[{path.rpartition('.')[2]}]"
            )
    return kind(*args, **kwargs)


def _described(value: Any) -> str | None:
    """Return the class path in the description of an object, or None if there is no description."""
    if isinstance(value, list | tuple):
        return next((path for part in value if (path := _described(part)) is not None), None)
    if not isinstance(value, Mapping) and not hasattr(value, "class_path"):
        return None
    if isinstance(value, Mapping):
        if isinstance(value.get("class_path"), str):
            return str(value["class_path"])
        return _described(list(value.values()))
    return value.class_path if type(value).__name__ == "Namespace" else None
