"""Finished examples go to disk as they come."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callbacks.journal_writer import JournalWriter
from smoothing.certificates import Attacked, Certificates, Row, Shard
from smoothing.certificates.table import records


class ShardWriter(JournalWriter[Sequence[Row] | Sequence[dict[str, Any]]]):
    """Appends the rows of each finished example to this rank's shard; see `JournalWriter`."""

    def open(self, rank: int) -> tuple[Shard, Path]:
        """See `JournalWriter.open`."""
        return self.directory.shard(rank), self.directory.timings(f"rank-{rank}")

    def pieces(
        self, prediction: Mapping[str, Certificates | Attacked], batch: Any
    ) -> list[tuple[str, Sequence[dict[str, Any]]]]:
        """The rows of each example by all its certifiers, by its index."""
        index, _, label = batch
        columns = [records(name, certificates, index.cpu(), label.cpu()) for name, certificates in prediction.items()]
        return [(str(example[0]["index"]), example) for example in zip(*columns, strict=True)]
