"""Reading the checkpoint of a trained network, rebuilding the network, and resuming its training."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from smoothing.arguments import refuse, sequence, text
from smoothing.provenance.origin import Origin

NETWORK = "network."
"""Attribute of the network in every module that trains one, as a prefix of names of weights."""


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint, read without executing code from it.

    Attributes:
        identity: SHA-256 of the file, in hexadecimal.
        record: Description of the network by the module that trained it, in plain values.
        weights: Weights and buffers of the network, by name.
    """

    identity: str
    record: dict[str, Any]
    weights: dict[str, Tensor]


def read_checkpoint(reader: object, path: str, key: str, writer: str) -> Checkpoint:
    """Read weights and plain values from a checkpoint.

    Args:
        reader: Object that ``base_ckpt``, the path, is an argument of.
        path: Path of the file.
        key: Key of the record.
        writer: Name of the class that writes such checkpoints.

    Raises:
        ValueError: If the file cannot be read, or is no checkpoint of that class.
    """
    name = type(reader).__name__
    if not path or not isinstance(path, str):
        refuse(reader, "base_ckpt", path, f"the path of a checkpoint of {writer}")
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{name}: base_ckpt = {path}; must be a readable file: {reason}") from error
    try:
        checkpoint = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{name}: base_ckpt = {path}; must be a checkpoint of {writer}") from error
    if not isinstance(checkpoint, dict) or key not in checkpoint:
        raise ValueError(
            f"{name}: base_ckpt = {path}; must be a checkpoint of {writer}, as smoothing fit writes it. The file holds "
            f"{_contents(checkpoint)}"
        )
    with rebuilding(reader, path, writer):
        record, state = checkpoint[key], checkpoint["state_dict"]
        weights = {name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)}
    return Checkpoint(identity=hashlib.sha256(content).hexdigest(), record=record, weights=weights)


@contextmanager
def rebuilding(reader: object, path: str, writer: str) -> Iterator[None]:
    """Turn errors of building a network from a checkpoint into one message.

    Args:
        reader: Object that ``base_ckpt``, the path, is an argument of.
        path: Path of the file.
        writer: Name of the class that writes such checkpoints.

    Raises:
        ValueError: If the block raises because the record or the weights do not fit.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        name = type(reader).__name__
        raise ValueError(f"{name}: base_ckpt = {path}; must be a checkpoint of {writer}: {reason}") from error


def _contents(checkpoint: Any) -> str:
    """Return what a file holds that is not the checkpoint of the expected class."""
    known = {"classifier": "a BaseClassifier", "denoiser": "a DenoiserTraining", "encoder": "an encoder"}
    if isinstance(checkpoint, dict):
        if found := [name for key, name in known.items() if key in checkpoint]:
            return f"{found[0]}"
        if checkpoint and all(isinstance(value, Tensor) for value in checkpoint.values()):
            return "weights of a network alone: give them to an own Architecture in a PretrainedClassifier"
        if "state_dict" in checkpoint:
            return "a checkpoint of another module"
    return f"a {type(checkpoint).__name__}"


def check_resumed(owner: object, there: Mapping[str, Any] | None, here: Mapping[str, Any]) -> None:
    """Raise unless a training resumes with the network and the examples that it began with.

    The weights of a checkpoint were trained on its examples. A record of other examples would be false.

    Args:
        owner: Module that resumes.
        there: Record in the checkpoint that it resumes from; None if the checkpoint has none.
        here: Record of the module that resumes.

    Raises:
        ValueError: If the checkpoint has no such record, or another one, naming what differs.
    """
    name = type(owner).__name__
    if there is None:
        raise ValueError(f"{name}: ckpt_path; must be a checkpoint of {name}")
    for field, value in here.items():
        if there.get(field) != value:
            raise ValueError(f"{name}: ckpt_path has {field} = {there.get(field)}; must be {value}, to resume")


def parsed(owner: object, trained_on: Sequence[str]) -> tuple[Origin, ...]:
    """Parse the names of the examples that weights were trained on.

    Args:
        owner: Object that ``trained_on`` is an argument of.
        trained_on: The names, a list; a single string is refused, since its characters would count as names.

    Raises:
        ValueError: If it is no list of names.
    """
    sequence(owner, trained_on=trained_on)
    for origin in trained_on:
        text(owner, trained_on=origin)
    return tuple(Origin.parse(origin) for origin in trained_on)


def digest(network: nn.Module, description: Any = None) -> str:
    """Return the SHA-256 over the weights and buffers of a network, in hexadecimal.

    Args:
        network: The network, on the CPU.
        description: Further values to hash, which JSON can represent.
    """
    made = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, value in sorted(network.state_dict().items()):
        made.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
        made.update(value.contiguous().numpy().data)
    return made.hexdigest()
