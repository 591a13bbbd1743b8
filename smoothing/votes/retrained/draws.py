"""Finished draws of retrained votes. They are stored, because each draw is a training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.journal import Journal, read_run

_NAME = "draw"

Predictions = NDArray[np.int16]
"""``(examples,)`` int16: predictions of the model of one draw for all requested examples, in their order."""


class Draw(NamedTuple):
    """Identifier of a draw.

    Attributes:
        stream: Number of the stream. Different streams have no draw in common.
        number: Number of the draw in its stream, from 0.
    """

    stream: int
    number: int


class MissingDrawsError(Exception):
    """Error: votes need draws that are not finished.

    Args:
        draws: The missing draws.
    """

    def __init__(self, draws: tuple[Draw, ...]) -> None:
        super().__init__(f"{len(draws)} draws are not finished, among them {draws[0]}")
        self.draws = draws


FinishedDraw = tuple[Draw, Predictions]
"""A draw and the predictions of its model."""


class DrawShard(Journal[FinishedDraw]):
    """Finished draws of one rank: a journal. Each line contains the predictions of one model.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
        run: Identifier of the run, written to every line.
    """

    def __init__(self, path: str | Path, run: str) -> None:
        super().__init__(path, _NAME)
        self._run = run

    def content(self, piece: FinishedDraw) -> dict[str, Any]:
        """Return a draw as JSON-compatible values; see `Journal.content`."""
        draw, predictions = piece
        return {"run": self._run, **draw._asdict(), "predictions": predictions.tolist()}


def read_draws(directory: str | Path, run: str) -> Mapping[Draw, Predictions]:
    """Read the finished draws in a directory; see `read_run`.

    Args:
        directory: Folder of the journals. If it contains none, nothing is finished.
        run: Identifier of the run.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, if a draw has two different lines, or if
            it belongs to another run.
    """
    return read_run(directory, _NAME, run, _read)


def _read(content: Any) -> tuple[tuple[str, Draw], Predictions]:
    draw = Draw(int(content["stream"]), int(content["number"]))
    return (str(content["run"]), draw), np.array(content["predictions"], np.int16)
