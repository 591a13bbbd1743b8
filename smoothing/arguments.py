"""Checks of constructor and method arguments."""

from math import inf
from numbers import Integral, Real
from typing import NoReturn

import torch
from torch import Tensor


def at_least(owner: object, least: float, /, **arguments: float) -> None:
    """Raise if a whole number is below a minimum.

    Args:
        owner: The object that the arguments belong to, or the name of its class.
        least: The minimum.
        arguments: The numbers by name.

    Raises:
        ValueError: Names the first argument that is refused and the allowed values.
    """
    for name, value in arguments.items():
        if not isinstance(value, Integral):
            refuse(owner, name, value, "a whole number")
        if value < least:
            refuse(owner, name, value, f"at least {least}")


def finite(owner: object, least: float, /, **arguments: float) -> None:
    """Raise if a number is not finite or is below a minimum; see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and least <= value < inf):
            refuse(owner, name, value, f"finite and at least {least}")


def positive(owner: object, /, **arguments: float) -> None:
    """Raise if a number is not finite or not above 0; see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and 0 < value < inf):
            refuse(owner, name, value, "finite and above 0")


def below_one(owner: object, /, **arguments: float) -> None:
    """Raise if a number is outside [0, 1); see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and 0 <= value < 1):
            refuse(owner, name, value, "within [0, 1)")


def within(owner: object, least: float, most: float, /, **arguments: float) -> None:
    """Raise if a number is outside [``least``, ``most``]; see `at_least`."""
    for name, value in arguments.items():
        if not (_is_number(value) and least <= value <= most):
            refuse(owner, name, value, f"within [{least:g}, {most:g}]")


def is_tensor(owner: object, /, **arguments: Tensor) -> None:
    """Raise if an argument is not a tensor of real numbers; see `at_least`."""
    values: dict[str, object] = {**arguments}
    for name, value in values.items():
        if not isinstance(value, Tensor):
            refuse(owner, name, f"an object of type {type(value).__name__}", "a torch tensor")
        if value.is_complex():
            refuse(owner, name, f"a tensor of {value.dtype}", "a tensor of real numbers")


def is_floating(owner: object, /, **arguments: Tensor) -> None:
    """Raise if an argument is not a tensor of floating-point numbers; see `at_least`."""
    is_tensor(owner, **arguments)
    for name, value in arguments.items():
        if not value.is_floating_point():
            refuse(owner, name, f"a tensor of {value.dtype}", "a tensor of floating-point numbers")


def is_generator(owner: object, generator: torch.Generator, /) -> None:
    """Raise if the source of randomness is not a `torch.Generator`; see `at_least`."""
    if not isinstance(generator, torch.Generator):
        refuse(owner, "generator", f"an object of type {type(generator).__name__}", "a torch.Generator")


def refuse(owner: object, name: str, value: object, allowed: str) -> NoReturn:
    """Raise a `ValueError` that names class, parameter, value and the allowed values."""
    owner_name = owner if isinstance(owner, str) else type(owner).__name__
    raise ValueError(f"{owner_name}: {name} = {value}; must be {allowed}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real)
