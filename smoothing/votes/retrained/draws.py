"""Storage of draws that are training runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.journal import Journal, read_journals

_NAME = "draw"

Predictions = NDArray[np.int16]
"""Predictions of the model of one draw for all requested test examples in order, ``(examples,)``."""


class Draw(NamedTuple):
    """Key of a draw.

    Attributes:
        stream: Number of the stream. Different streams share no draw.
        number: Number of the draw in its stream, from 0.
    """

    stream: int
    number: int


class MissingDrawsError(Exception):
    """Raised if votes need draws that are not finished.

    Args:
        draws: The missing draws.
    """

    def __init__(self, draws: tuple[Draw, ...]) -> None:
        super().__init__(f"{len(draws)} draws are not finished, among them {draws[0]}")
        self.draws = draws


FinishedDraw = tuple[Draw, Predictions]
"""A draw, and the predictions of its model."""


class DrawShard(Journal[FinishedDraw]):
    """Journal of the finished draws of one rank. Each line holds the predictions of one model.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
        run: Identity of the run that computes the draws.
    """

    def __init__(self, path: str | Path, run: str) -> None:
        super().__init__(path, _NAME)
        self._run = run

    def content(self, piece: FinishedDraw) -> dict[str, Any]:
        """See `Journal.content`."""
        draw, predictions = piece
        return {"run": self._run, **draw._asdict(), "predictions": predictions.tolist()}


def read_draws(directory: str | Path, run: str) -> Mapping[Draw, Predictions]:
    """Read the finished draws in a directory; see `read_journals`.

    Args:
        directory: Directory of the journals. Without journals, no draw is finished.
        run: Identity of the run that computes the draws.

    Raises:
        ValueError: If a finished line is damaged, or a draw has two different predictions or belongs to another run.
            The message contains file and line.
    """
    finished = {}
    for where, (made_by, draw), predictions in read_journals(directory, _NAME, "draw", _read):
        if made_by != run:
            raise ValueError(f"{where}: a draw of another run ({made_by}); must be of this one ({run})")
        finished[draw] = predictions
    return finished


def _read(content: Any) -> tuple[tuple[str, Draw], Predictions]:
    draw = Draw(int(content["stream"]), int(content["number"]))
    return (str(content["run"]), draw), np.array(content["predictions"], np.int16)
