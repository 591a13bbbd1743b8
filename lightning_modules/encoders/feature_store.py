"""Features kept on disk."""

import hashlib
import json
import platform
from copy import copy
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lightning_modules.encoders.encoder import Encoder
from smoothing.data_folder import cache_folder
from smoothing.files import draft
from smoothing.provenance.identity import source_hashes, state_hashes

FEATURES = "features"
"""Name of the tensor in a file."""


class FeatureStore:
    """Features of blocks of inputs, kept on disk: an encoder that computes each block once.

    Every block is one file, written under another name and then renamed, so that a file is always whole. An interrupted
    computation resumes with the next block. Ranks and runs share the files. The folder has one subfolder per encoder in
    its fitted state: class, arguments, weights and buffers, source files outside this project, processor and version
    of torch. The name of a file is a hash of its inputs, so that data sets with common blocks share them. Every file
    states encoder, inputs and a checksum.

    Features are the same to the bit as without the store: the first block of each shape is encoded in any case, and
    must equal its file.

    Args:
        encoder: The encoder, fitted, on its device.
        folder: Folder of all encoders; by default `default_folder`.

    Raises:
        ValueError: When it is called, if a file belongs to another encoder or other inputs, is damaged, or cannot be
            read or written.
    """

    def __init__(self, encoder: Encoder, folder: str | Path | None = None) -> None:
        self._encoder = encoder
        # Assumptions depend on the training set, and features do not.
        bare = copy(encoder)
        bare.assumptions = ()
        state, sources = state_hashes({"encoder": bare}), source_hashes({"encoder": bare})
        self._identity = _digest(state, sources, torch.__version__, _processor(encoder))
        self._folder = Path(folder or default_folder()) / self._identity[:16]
        self._compared: set[torch.Size] = set()

    def __call__(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` of a block of inputs ``(batch, ...)``, from its file if there is one."""
        inputs = _digest(tuple(x.shape), str(x.dtype), hashlib.sha256(_bytes(x)).hexdigest())
        file = self._folder / f"{inputs[:32]}.safetensors"
        about = {"encoder": self._identity, "inputs": inputs}
        try:
            kept = _read(file, about)
        except OSError as error:
            raise _refused(file, f"must be a readable file: {error.strerror}") from error
        if kept is not None and x.shape in self._compared:
            return kept.to(x.device)
        features: Tensor = self._encoder(x)
        if kept is None:
            try:
                _write(file, features, about)
            except OSError as error:
                raise _refused(file, f"must be a file that can be written: {error.strerror}") from error
        elif _bytes(kept) != _bytes(features):
            raise _refused(file, "has other bits, of other code or hardware; must be removed, with its folder")
        self._compared.add(x.shape)
        return features


def default_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/smoothing/features``."""
    return cache_folder("features")


def _processor(encoder: Encoder) -> str:
    """Return the kind of processor: kernels of different ones round differently."""
    tensors = [*encoder.parameters(), *encoder.buffers()]
    device = tensors[0].device if tensors else torch.device("cpu")
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _read(file: Path, about: dict[str, str]) -> Tensor | None:
    """Return the features in a file on the CPU; None if there is no file.

    Raises:
        ValueError: If the file is of another encoder or other inputs, or damaged.
    """
    if not file.exists():
        return None
    content = file.read_bytes()
    try:
        features = load(content)[FEATURES]
        stated = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        checksum = stated.pop("sha256")
    except (SafetensorError, KeyError, ValueError, AttributeError) as error:
        raise _refused(file, "is damaged; must be removed") from error
    if stated != about:
        raise _refused(file, "holds features of other weights, arguments or inputs; must be removed, with its folder")
    if checksum != hashlib.sha256(_bytes(features)).hexdigest():
        raise _refused(file, "is damaged; must be removed")
    return features


def _write(file: Path, features: Tensor, about: dict[str, str]) -> None:
    kept = features.detach().cpu().contiguous()
    content = save({FEATURES: kept}, {**about, "sha256": hashlib.sha256(_bytes(kept)).hexdigest()})
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft(file) as made:
        made.write_bytes(content)


def _refused(file: Path, reason: str) -> ValueError:
    return ValueError(f"keep_features: {file}; {reason}")


def _bytes(x: Tensor) -> bytes:
    return x.detach().cpu().contiguous().numpy().tobytes()


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
