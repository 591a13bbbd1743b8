"""What constructors ask of numbers that they are given."""

from math import inf


def at_least(owner: object, least: float, /, **arguments: float) -> None:
    """Refuse whole numbers below a minimum.

    Args:
        owner: What they are arguments of.
        least: The minimum.
        arguments: The numbers by name.

    Raises:
        ValueError: Naming the first that is refused, and what is allowed.
    """
    for name, value in arguments.items():
        if value < least:
            _refuse(owner, name, value, f"at least {least}")


def finite(owner: object, least: float, /, **arguments: float) -> None:
    """Refuse numbers that are not finite or below a minimum; see `at_least`."""
    for name, value in arguments.items():
        if not least <= value < inf:
            _refuse(owner, name, value, f"finite and at least {least}")


def positive(owner: object, /, **arguments: float) -> None:
    """Refuse numbers that are not finite or not above 0; see `at_least`."""
    for name, value in arguments.items():
        if not 0 < value < inf:
            _refuse(owner, name, value, "finite and above 0")


def below_one(owner: object, /, **arguments: float) -> None:
    """Refuse numbers outside [0, 1); see `at_least`."""
    for name, value in arguments.items():
        if not 0 <= value < 1:
            _refuse(owner, name, value, "within [0, 1)")


def _refuse(owner: object, name: str, value: float, allowed: str) -> None:
    raise ValueError(f"{type(owner).__name__}: {name} = {value}; must be {allowed}")
