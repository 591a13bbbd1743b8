"""Base class of data modules with texts, and texts as tensors."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from datamodules.base import DataModule
from smoothing.votes.reads import Reads


class TextModule(DataModule):
    """A data set of texts. Each text is a row of bytes in UTF-8, padded with zeros.

    Encoders receive the complete texts and compute all features. Without an encoder, the length of all rows is that of
    the longest text.
    """

    reads: ClassVar[Reads] = "all inputs"

    def scaled(self, x: Tensor) -> Tensor:
        """Return the bytes unchanged, uint8 ``(n, length)``."""
        return x


def to_bytes(texts: Sequence[str]) -> Tensor:
    """Return texts as rows of bytes, uint8 ``(n, length of the longest)``, padded with zeros.

    Raises:
        ValueError: If a text contains a zero character, which marks the end of a text.
    """
    encoded = [text.encode() for text in texts]
    rows = np.zeros((len(encoded), max(map(len, encoded), default=0)), np.uint8)
    for row, content in zip(rows, encoded, strict=True):
        if 0 in content:
            raise ValueError(f"text {content[:40]!r}: zero character found; must have none")
        row[: len(content)] = np.frombuffer(content, np.uint8)
    return torch.from_numpy(rows)
