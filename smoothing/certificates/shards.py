"""The append-only store of finished examples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smoothing.certificates.journal import Journal, read_journals
from smoothing.certificates.table import COLUMNS, Row

_NAME = "rows"


class Shard(Journal[Sequence[Row]]):
    """The shard of one rank: a journal, one line of which holds the rows of one example by all its certifiers.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _NAME)

    def content(self, example: Sequence[Row]) -> list[dict[str, Any]]:
        """See `Journal.content`.

        Args:
            example: The rows of one example by all its certifiers.

        Raises:
            ValueError: If there is no row, or the rows belong to several examples.
        """
        indices = sorted({row.index for row in example})
        if len(indices) != 1:
            raise ValueError(f"shard line: rows of the examples {indices}; must be of exactly one example")
        return [dict(zip(COLUMNS, row.cells(), strict=True)) for row in example]


def read_shards(directory: str | Path) -> dict[int, list[Row]]:
    """Read the finished examples of all shards in a directory; see `read_journals`.

    Args:
        directory: Where the shards stand; without any, nothing is finished.

    Returns:
        Rows by example, in the order of the certifiers.

    Raises:
        ValueError: Naming file and line, if a finished line is damaged, or an example stands twice with different rows.
    """
    return {index: example for _, index, example in read_journals(directory, _NAME, "example", _read)}


def _read(content: Any) -> tuple[int, list[Row]]:
    example = [Row(**row) for row in content]
    return example[0].index, example
