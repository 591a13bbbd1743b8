"""Append-only store of finished examples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smoothing.certificates.journal import Journal, read_journals
from smoothing.certificates.table import COLUMNS, Row

_NAME = "rows"


class Shard(Journal[Sequence[Row]]):
    """Shard of one rank: a journal. Each line contains the rows of one example by all certifiers.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _NAME)

    def content(self, example: Sequence[Row]) -> list[dict[str, Any]]:
        """Return rows as JSON-compatible values; see `Journal.content`.

        Args:
            example: Rows of one example by all certifiers.

        Raises:
            ValueError: If there is no row, or if the rows belong to several examples.
        """
        indices = sorted({row.index for row in example})
        if len(indices) != 1:
            raise ValueError(f"shard line: rows of the examples {indices}; must be of exactly one example")
        return [dict(zip(COLUMNS, row.cells(), strict=True)) for row in example]


def read_shards(directory: str | Path) -> dict[int, list[Row]]:
    """Read the finished examples of all shards in a directory; see `read_journals`.

    Args:
        directory: Folder of the shards. If it contains none, nothing is finished.

    Returns:
        Rows by index of the example, in the order of the certifiers.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, or if an example has two different lines.
    """
    return {index: example for _, index, example in read_journals(directory, _NAME, "example", _read)}


def _read(content: Any) -> tuple[int, list[Row]]:
    example = [Row(**row) for row in content]
    return example[0].index, example
