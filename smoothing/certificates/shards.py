"""The append-only store of finished examples: JSON lines, each closed by a checksum."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from smoothing.certificates.table import COLUMNS, Row


class Shard:
    """The shard of one rank, open for appending. Finished lines are never touched.

    One line holds the rows of one example by all its certifiers, so that an example is finished or not. A line is
    handed to the operating system whole: it survives the death of the process.

    Args:
        path: The file, ``*.jsonl``; made if there is none. A torn last line, which has no line end, is dropped.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if path.exists():
            _drop_torn_line(path)
        self._file = path.open("ab")

    def append(self, example: Sequence[Row]) -> None:
        """Write one finished example.

        Args:
            example: The rows of one example by all its certifiers.

        Raises:
            ValueError: If there is no row, or the rows belong to several examples.
        """
        indices = sorted({row.index for row in example})
        if len(indices) != 1:
            raise ValueError(f"shard line: rows of the examples {indices}; must be of exactly one example")
        rows = [dict(zip(COLUMNS, row.cells(), strict=True)) for row in example]
        self._file.write(_closed(json.dumps(rows, separators=(",", ":"))))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Append within a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_shards(directory: str | Path) -> dict[int, list[Row]]:
    """Read the finished examples of all shards ``*.jsonl`` in a directory.

    A torn last line is left out: its example is not finished. A file that several ranks wrote the same example to,
    with the same rows, is whole.

    Args:
        directory: Where the shards stand; without any, nothing is finished.

    Returns:
        Rows by example, in the order of the certifiers.

    Raises:
        ValueError: Naming file and line, if a finished line is damaged, or an example stands twice with different rows.
    """
    finished: dict[int, list[Row]] = {}
    sources: dict[int, tuple[str, bytes]] = {}
    for path in sorted(Path(directory).glob("*.jsonl")):
        for number, line in enumerate(_finished_lines(path), 1):
            where = f"{path}, line {number}"
            example = _read_line(line, where)
            index = example[0].index
            first, content = sources.setdefault(index, (where, line))
            if content != line:
                raise ValueError(f"{where}: example {index} differs from the one in {first}; must be the same")
            finished[index] = example
    return finished


_PREFIX, _MIDDLE, _SUFFIX = '{"rows":', ',"crc32":"', '"}'


def _closed(rows: str) -> bytes:
    """One line, ``{"rows":[...],"crc32":"..."}``; the checksum covers everything before it."""
    body = f"{_PREFIX}{rows}{_MIDDLE}"
    return f"{body}{crc32(body.encode()):08x}{_SUFFIX}\n".encode()


def _finished_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _read_line(line: bytes, where: str) -> list[Row]:
    try:
        content = line.decode()[len(_PREFIX) : -len(f"{_MIDDLE}12345678{_SUFFIX}\n")]
        if _closed(content) != line:
            raise ValueError("checksum does not match")
        return [Row(**row) for row in json.loads(content)]
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{where}: damaged ({error}); restore the file, or delete the line to certify its example again"
        ) from None


def _drop_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        whole = sum(len(line) for line in file if line.endswith(b"\n"))
        if whole < size:
            file.truncate(whole)
