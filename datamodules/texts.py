"""Texts as tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from datamodules.base import DataModule


class TextModule(DataModule):
    """A data set of texts: each is a row of bytes, its UTF-8 form, filled up with zeros.

    So texts come to encoders as they are, and whatever is made of them is made by encoders.
    """

    def scaled(self, x: Tensor) -> Tensor:
        """Bytes as they are, uint8 ``(n, length)``."""
        return x


def to_bytes(texts: Sequence[str]) -> Tensor:
    """Texts as rows of bytes, uint8 ``(n, length of the longest)``, filled up with zeros.

    Raises:
        ValueError: If a text holds a zero character, which would end it.
    """
    encoded = [text.encode() for text in texts]
    rows = np.zeros((len(encoded), max(map(len, encoded), default=0)), np.uint8)
    for row, content in zip(rows, encoded, strict=True):
        if 0 in content:
            raise ValueError(f"text {content[:40]!r}: zero character found; must be none")
        row[: len(content)] = np.frombuffer(content, np.uint8)
    return torch.from_numpy(rows)
