"""Finished draws go to disk as they come."""

from collections.abc import Sequence
from pathlib import Path

from callbacks.journal_writer import JournalWriter
from smoothing.votes import Draw, DrawShard, FinishedDraw, Predictions


class DrawWriter(JournalWriter[FinishedDraw]):
    """Appends each finished draw to this rank's shard; see `JournalWriter`."""

    def open(self, rank: int) -> tuple[DrawShard, Path]:
        """See `JournalWriter.open`."""
        return self.directory.draw_shard(rank), self.directory.timings(f"draws-rank-{rank}")

    def pieces(self, prediction: Sequence[Predictions], batch: Sequence[Draw]) -> list[tuple[str, FinishedDraw]]:
        """Each draw and its predictions, by stream and number."""
        draws = zip(batch, prediction, strict=True)
        return [(f"{draw.stream}\t{draw.number}", (draw, predictions)) for draw, predictions in draws]
