"""Encoder of texts by the vectors of their words."""

import re
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from lightning_modules.encoders.texts import TextEncoder
from smoothing.arguments import text
from smoothing.data_folder import data_file
from smoothing.provenance.origin import Origin

_WORD = re.compile(r"[a-z0-9]+|'[a-z]+|[^\sa-z0-9]")


class WordVectors(TextEncoder):
    """The mean of the vectors of the words of a text. Words without a vector are omitted; no word gives zeros.

    The vectors come from training on other texts without labels, for example GloVe (Pennington et al. 2014).

    Args:
        path: An ``.npz`` file with the arrays ``words`` ``(v,)`` and ``vectors`` ``(v, k)``. A relative path is looked
            for in the working directory, then in the folder that the environment variable ``SMOOTHING_DATA`` names.

    Raises:
        ValueError: If the file is not such a one.
    """

    vectors: Tensor

    def __init__(self, path: str = "glove/glove50d_5k.npz") -> None:
        super().__init__()
        text(self, path=path)
        file = data_file(path)
        words, vectors = _read(file)
        self.trained_on = (Origin(file.stem),)
        self._number = {str(word): number for number, word in enumerate(words)}
        self.register_buffer("vectors", torch.from_numpy(vectors).float())

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` of texts ``(batch, length)`` uint8."""
        return torch.stack([self._mean(text) for text in self.texts(x)])

    def _mean(self, text: str) -> Tensor:
        known = [self._number[word] for word in _WORD.findall(text.lower()) if word in self._number]
        return self.vectors[known].sum(0) / max(len(known), 1)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            words, vectors = file["words"], file["vectors"]
    except OSError as error:
        raise ValueError(f"WordVectors: path = {path}; must be a readable file: {error.strerror or error}") from error
    except (KeyError, ValueError, BadZipFile, EOFError) as error:
        raise ValueError(f"WordVectors: path = {path}; must hold the arrays words and vectors: {error}") from error
    if words.ndim != 1 or vectors.ndim != 2 or len(words) != len(vectors) or not np.isfinite(vectors).all():
        raise ValueError(f"WordVectors: path = {path}; must hold one finite vector for each word")
    return words, vectors
