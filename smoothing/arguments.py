"""Checks of constructor arguments, with one form of message: ``Class: parameter = value; must be ...``."""

from collections.abc import Iterable, Sequence
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

import numpy as np

from smoothing.lazy import is_instance

if TYPE_CHECKING:
    import torch
    from torch import Tensor


LARGEST = 2**63 - 1
"""Largest whole number of an argument: the largest index of arrays and loops."""


def at_least(owner: object, least: int, /, **arguments: Any) -> None:
    """Raise unless every argument is a whole number of at least a minimum, and below 2^63.

    Args:
        owner: Object that the arguments belong to, or the name of its class.
        least: The minimum.
        arguments: The numbers by name. Booleans are not numbers.

    Raises:
        ValueError: Naming the first argument that is refused, and what is allowed.
    """
    for name, value in arguments.items():
        if not _is_number(value, Integral):
            refuse(owner, name, value, f"a whole number, at least {least}")
        if value < least:
            refuse(owner, name, value, f"at least {least}")
        if value > LARGEST:
            refuse(owner, name, value, f"at least {least} and below 2^63")


def finite(owner: object, least: float, /, **arguments: Any) -> None:
    """Raise unless every argument is a finite number of at least a minimum; see `at_least`."""
    for name, value in arguments.items():
        if not _is_number(value) or not least <= value < inf:
            refuse(owner, name, value, f"finite and at least {least}")


def positive(owner: object, /, **arguments: Any) -> None:
    """Raise unless every argument is a finite number above 0; see `at_least`."""
    for name, value in arguments.items():
        if not _is_number(value) or not 0 < value < inf:
            refuse(owner, name, value, "finite and above 0")


def below_one(owner: object, /, **arguments: Any) -> None:
    """Raise unless every argument is a number within [0, 1); see `at_least`."""
    for name, value in arguments.items():
        if not _is_number(value) or not 0 <= value < 1:
            refuse(owner, name, value, "within [0, 1)")


def within(owner: object, least: float, most: float, /, **arguments: Any) -> None:
    """Raise if a number is outside [``least``, ``most``]; see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and least <= value <= most):
            refuse(owner, name, value, f"within [{least:g}, {most:g}]")


def inside(owner: object, least: float, most: float, /, **arguments: Any) -> None:
    """Raise unless every argument is a number within the open interval (``least``, ``most``); see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and least < value < most):
            refuse(owner, name, value, f"within ({least:g}, {most:g})")


def is_tensor(owner: object, /, **arguments: "Tensor") -> None:
    """Raise if an argument is not a tensor of real numbers; see `at_least`."""
    values: dict[str, object] = {**arguments}
    for name, value in values.items():
        if not _is_tensor(value):
            _refuse_type(owner, name, value, "a torch tensor")
        if value.is_complex():
            refuse(owner, name, value, "a tensor of real numbers")


def is_floating(owner: object, /, **arguments: "Tensor") -> None:
    """Raise if an argument is not a tensor of floating-point numbers; see `at_least`."""
    is_tensor(owner, **arguments)
    for name, value in arguments.items():
        if not value.is_floating_point():
            refuse(owner, name, value, "a tensor of floating-point numbers")


def is_generator(owner: object, generator: "torch.Generator", /) -> None:
    """Raise if the source of randomness is not a `torch.Generator`; see `at_least`."""
    if not is_instance(generator, "torch.Generator"):
        _refuse_type(owner, "generator", generator, "a torch.Generator")


def instance(owner: object, kind: type | tuple[type, ...], /, **arguments: Any) -> None:
    """Raise unless every argument is an instance of a class, or of one of several; see `at_least`."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join("None" if each is type(None) else _named(each) for each in kinds)
    for name, value in arguments.items():
        if not isinstance(value, kind):
            refuse(owner, name, value, wanted)


def function(owner: object, /, **arguments: Any) -> None:
    """Raise unless every argument can be called; see `at_least`."""
    for name, value in arguments.items():
        if not callable(value):
            refuse(owner, name, value, "a function")


def text(owner: object, /, **arguments: Any) -> None:
    """Raise unless every argument is a string that is not empty; see `at_least`."""
    for name, value in arguments.items():
        if not isinstance(value, str) or not value:
            refuse(owner, name, value, "a string that is not empty")


def sequence(owner: object, /, **arguments: Any) -> None:
    """Raise unless every argument is a list or another sequence, and no string; see `at_least`."""
    for name, value in arguments.items():
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            refuse(owner, name, value, "a list")


def numbers(owner: object, allowed: str, /, **arguments: Any) -> None:
    """Raise unless every argument is a list of finite numbers; see `at_least`.

    Args:
        owner: Object that the arguments belong to.
        allowed: What the list must be, for the message.
        arguments: The lists by name.
    """
    for name, value in arguments.items():
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            refuse(owner, name, value, allowed)
        if not all(_is_number(each) and -inf < each < inf for each in value):
            refuse(owner, name, list(value), allowed)


def refuse(owner: object, name: str, value: Any, allowed: str) -> NoReturn:
    """Raise the error of an argument that is not allowed; see `at_least`."""
    refuse_words(owner, name, _spelled(value), allowed)


def refuse_words(owner: object, name: str, words: str, allowed: str) -> NoReturn:
    """Raise the error of an argument that is not allowed, with a description in place of its value; see `at_least`."""
    raise ValueError(f"{_name_of(owner)}: {name} = {words}; must be {allowed}")


def _refuse_type(owner: object, name: str, value: Any, allowed: str) -> NoReturn:
    refuse_words(owner, name, f"an object of type {type(value).__name__}", allowed)


def _name_of(owner: object) -> str:
    return owner if isinstance(owner, str) else type(owner).__name__


def _is_tensor(value: object) -> "TypeGuard[Tensor]":
    return is_instance(value, "torch.Tensor")


def _is_number(value: Any, kind: type = Real) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _named(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def _spelled(value: Any) -> str:
    """Return a value on one line, cut after 80 characters; of a tensor or an array its type."""
    if _is_tensor(value):
        return f"a tensor of {value.dtype}"
    if isinstance(value, np.ndarray):
        return f"an object of type {type(value).__name__}"
    spelled = " ".join((repr(value) if isinstance(value, str) else str(value)).split())
    return spelled if len(spelled) <= 80 else f"{spelled[:77]}..."
