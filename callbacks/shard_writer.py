"""Callback that appends rows to disk as soon as they are computed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callbacks.journal_writer import JournalWriter
from smoothing.certificates import Attacked, Certificates, Row, Shard
from smoothing.certificates.table import records


class ShardWriter(JournalWriter[Sequence[Row] | Sequence[dict[str, Any]]]):
    """Callback that appends the rows of each example to the shard of its rank; see `JournalWriter`."""

    def open(self, rank: int) -> tuple[Shard, Path]:
        """Open the files of one rank; see `JournalWriter.open`."""
        return self.directory.shard(rank), self.directory.timings(f"rank-{rank}")

    def pieces(
        self, prediction: Mapping[str, Certificates | Attacked], batch: Any
    ) -> list[tuple[str, Sequence[dict[str, Any]]]]:
        """Return the rows of each example by all certifiers, named by its index."""
        index, _, label = batch
        columns = [records(name, certificates, index.cpu(), label.cpu()) for name, certificates in prediction.items()]
        return [(str(example[0]["index"]), example) for example in zip(*columns, strict=True)]
