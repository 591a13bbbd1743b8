"""Weights in files of other code."""

from collections.abc import Iterator, Mapping
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from smoothing.data_folder import data_file

OPTIONAL = "num_batches_tracked"
"""Last part of names of counters that old files lack and that no prediction depends on."""


def load_weights(owner: object, network: nn.Module, path: str, prefix: str | None = None) -> None:
    """Load the weights of a network from a file of other code, without executing code from it.

    The file holds weights by name, at its top or within a dictionary, such as ``state_dict``. Names may have a prefix,
    such as ``module.``, ``model.`` or ``1.`` (a network behind a normalisation layer, as of Cohen et al. 2019). It is
    found by the names of the network's weights. Other entries are ignored.

    Args:
        owner: Object that ``weights``, the path, is an argument of.
        network: The network, whose weights are replaced.
        path: Path of the file: of ``torch.save``, or ``.safetensors``. A relative path is looked for in the working
            directory, then in the folder that the environment variable ``SMOOTHING_DATA`` names.
        prefix: The prefix; by default the only one that fits.

    Raises:
        ValueError: If the file cannot be read, or holds no weights of this network, or those of several.
    """
    name = f"{type(owner).__name__}: weights = {path}"
    wanted = network.state_dict()
    found: dict[str, dict[str, Tensor]] = {}
    try:
        for weights in _dictionaries(_read(path)):
            for known in _prefixes(weights, wanted) if prefix is None else {prefix}:
                chosen = {key: weights.get(known + key, wanted[key]) for key in wanted}
                if all(known + key in weights or key.endswith(OPTIONAL) for key in wanted):
                    found.setdefault(known, chosen)
    except OSError as error:
        raise ValueError(f"{name}; must be a file that can be read: {error.strerror or error}") from error
    except Exception as error:  # damaged files raise many types of exceptions
        raise ValueError(f"{name}; must hold weights of torch or safetensors: {str(error).splitlines()[0]}") from error
    if not found:
        raise ValueError(f"{name}; must hold the weights of {type(network).__name__}, such as {next(iter(wanted))}")
    if len(found) > 1:
        known = ", ".join(map(repr, found))
        raise ValueError(f"{name}; holds weights with the prefixes {known}; prefix must be one of them")
    try:
        network.load_state_dict(next(iter(found.values())))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{name}; must hold the weights of {type(network).__name__}: {reason}") from error


def _read(path: str) -> Any:
    file = data_file(path)
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError("the file holds objects of other classes than tensors and plain values") from error


def _dictionaries(content: Any) -> Iterator[dict[str, Tensor]]:
    """Yield the tensors of every dictionary in the content of a file."""
    if isinstance(content, Mapping):
        if tensors := {str(key): value for key, value in content.items() if isinstance(value, Tensor)}:
            yield tensors
        for value in content.values():
            yield from _dictionaries(value)


def _prefixes(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> set[str]:
    """Return all prefixes with which the first wanted name is in the file."""
    first = next(iter(wanted))
    return {name.removesuffix(first) for name in weights if name == first or name.endswith(f".{first}")}
