"""Files in MNIST's format."""

import struct
from pathlib import Path

from torch import Tensor


def write_idx(path: Path, values: Tensor) -> None:
    """Write a tensor of bytes."""
    path.write_bytes(struct.pack(f">I{values.dim()}I", 0x0800 + values.dim(), *values.shape) + values.numpy().tobytes())
