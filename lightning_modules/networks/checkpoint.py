"""What a frozen network reads from the checkpoint of the module that trained it."""

import hashlib
import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

NETWORK = "network."
"""Name, in every module that trains one, of the network that is frozen later."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, read without running anything that it holds.

    Attributes:
        identity: SHA-256 of the file, in hexadecimal.
        record: What the module that trained the network says about it, in plain values.
        weights: Weights and buffers of the network, by name.
    """

    identity: str
    record: dict[str, Any]
    weights: dict[str, Tensor]


def read_checkpoint(path: str, key: str, reader: str, writer: str) -> Checkpoint:
    """Read a checkpoint; only weights and plain values.

    Args:
        path: Its file.
        key: Key of the record.
        reader: Class that reads it, for what is said when it cannot.
        writer: Class that such checkpoints are of.

    Raises:
        ValueError: If the file cannot be read, or is no checkpoint of that class.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{reader}: base_ckpt = {path}; must be a readable file: {error.strerror}") from error
    try:
        checkpoint = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        record, state = checkpoint[key], checkpoint["state_dict"]
        weights = {name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)}
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{reader}: base_ckpt = {path}; must be a checkpoint of {writer}") from error
    return Checkpoint(identity=hashlib.sha256(content).hexdigest(), record=record, weights=weights)


def digest(network: nn.Module, description: Any = None) -> str:
    """SHA-256 over the weights of a network, wherever they were read from, in hexadecimal.

    Args:
        network: The network, on the CPU.
        description: What else it is, in values that JSON takes.
    """
    made = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, value in sorted(network.state_dict().items()):
        made.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
        made.update(value.contiguous().numpy().data)
    return made.hexdigest()
