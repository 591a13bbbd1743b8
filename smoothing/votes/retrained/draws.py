"""Draws that are worth keeping: each is a whole training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.journal import Journal, read_journals

_NAME = "draw"

Predictions = NDArray[np.int16]
"""``(examples,)``: what the model of one draw predicts for every example asked, in their order."""


class Draw(NamedTuple):
    """A draw by its number.

    Attributes:
        stream: Number of the sample; different streams share no draw.
        number: Number of the draw in it, from 0.
    """

    stream: int
    number: int


class MissingDrawsError(Exception):
    """Votes were asked for draws that are not finished yet.

    Args:
        draws: Which.
    """

    def __init__(self, draws: tuple[Draw, ...]) -> None:
        super().__init__(f"{len(draws)} draws are not finished, among them {draws[0]}")
        self.draws = draws


FinishedDraw = tuple[Draw, Predictions]
"""A draw, and what its model predicts."""


class DrawShard(Journal[FinishedDraw]):
    """The finished draws of one rank: a journal, one line of which holds what one model predicts.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
        run: What tells draws of one run from those of any other.
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
        directory: Where the journals stand; without any, nothing is finished.
        run: What tells draws of this run from those of any other.

    Raises:
        ValueError: Naming file and line, if a finished line is damaged, a draw stands twice with different
            predictions, or is of another run.
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
