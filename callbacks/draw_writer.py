"""Callback that appends draws to disk as soon as they are computed."""

from collections.abc import Sequence
from pathlib import Path

from callbacks.journal_writer import JournalWriter
from smoothing.votes import Draw, DrawShard, FinishedDraw, Predictions


class DrawWriter(JournalWriter[FinishedDraw]):
    """Callback that appends each draw to the draw shard of its rank; see `JournalWriter`."""

    def open(self, rank: int) -> tuple[DrawShard, Path]:
        """Open the files of one rank; see `JournalWriter.open`."""
        return self.directory.draw_shard(rank), self.directory.timings(f"draws-rank-{rank}")

    def pieces(self, prediction: Sequence[Predictions], batch: Sequence[Draw]) -> list[tuple[str, FinishedDraw]]:
        """Return each draw with its predictions, named by stream and number."""
        draws = zip(batch, prediction, strict=True)
        return [(f"{draw.stream}\t{draw.number}", (draw, predictions)) for draw, predictions in draws]
