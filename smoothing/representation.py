"""Representation of objects as the constructor calls that make them."""

import inspect
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from smoothing.lazy import is_instance

LONGEST = 16
"""Largest number of entries of an array that is shown. Of larger arrays, the shape is shown."""


class Represented:
    """Mixin with a ``__repr__`` that reads like the constructor call; see `represent`."""

    def __repr__(self) -> str:
        """Return the constructor call as a string."""
        return represent(self)


def represent(thing: object) -> str:
    """Return the constructor call that makes an object, for example ``"LabelFlip(q=0.1, num_classes=2)"``.

    The arguments come from the signature of the constructor, their values from attributes: ``exact_name`` if there is
    one (a fraction of which ``name`` is rounded), else ``name``, else ``_name``. Arguments equal to their defaults are
    left out. An argument without an attribute is shown as ``...``.

    Args:
        thing: The object. Its class keeps constructor arguments in attributes.
    """
    shown = []
    for name, parameter in inspect.signature(type(thing)).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        held = (f"exact_{name}", name, f"_{name}")
        found = [a for a in held if hasattr(thing, a) and not inspect.ismethod(getattr(thing, a))]
        if not found:
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
                shown.append(f"{name}=...")
            continue
        value = getattr(thing, found[0])
        if parameter.kind is parameter.VAR_POSITIONAL:
            shown += [_shown(one) for one in value]
        elif (text := _shown(value)) != _shown(parameter.default):
            shown.append(f"{name}={text}")
    return f"{type(thing).__name__}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if is_instance(value, "torch.Tensor") or isinstance(value, np.ndarray):
        small = np.prod(value.shape) <= LONGEST
        return _shown(value.tolist()) if small else f"<{type(value).__name__} of shape {tuple(value.shape)}>"
    match value:
        case np.generic():
            return repr(value.item())
        case Fraction():
            # Constructors take a decimal or a string for an exact probability.
            return repr(float(value)) if Fraction(str(float(value))) == value else repr(str(value))
        case Path():
            return repr(str(value))
        case list() | tuple():
            return f"[{', '.join(map(_shown, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{_shown(key)}: {_shown(one)}' for key, one in value.items())}}}"
        case type() | FunctionType():
            return value.__qualname__
    # The default of Python shows an address, which differs in each process.
    kind: Any = type(value)
    addressed = kind.__repr__ is object.__repr__
    return represent(value) if addressed or is_instance(value, "torch.nn.Module") else repr(value)
