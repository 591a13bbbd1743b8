"""Append-only files of finished work: JSON lines, each with a checksum."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from zlib import crc32

K = TypeVar("K")
V = TypeVar("V")
P = TypeVar("P")


class Journal(ABC, Generic[P]):
    """Journal of one rank, open for appending. Finished lines are never changed.

    Each line, ``{"<name>":...,"crc32":"..."}``, contains one piece of work. It is written to the operating system at
    once, so that it survives the death of the process.

    Args:
        path: The file, ``*.jsonl``. It is created if it does not exist. A torn last line (one without a line end) is
            removed.
        name: Key of the content of a line.
    """

    def __init__(self, path: str | Path, name: str) -> None:
        self._path = Path(path)
        if self._path.exists():
            _drop_torn_line(self._path)
        self._name = name
        # Unbuffered: after a failed write, closing the file must not write the rest.
        self._file = self._path.open("ab", buffering=0)

    @abstractmethod
    def content(self, piece: P) -> Any:
        """Return a piece of work as JSON-compatible values."""

    def append(self, piece: P) -> None:
        """Write one finished piece of work.

        Raises:
            OSError: If the file cannot be written, with its name. The file can then end in a torn line.
        """
        line = _closed(self._name, json.dumps(self.content(piece), separators=(",", ":")))
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the journal, for a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_journals(
    directory: str | Path, name: str, piece: str, read: Callable[[Any], tuple[K, V]]
) -> Iterator[tuple[str, K, V]]:
    """Read the finished work in all journals ``*.jsonl`` of a directory.

    A torn last line is skipped: its work is not finished. A line that several ranks have written is yielded once.

    Args:
        directory: Folder of the journals. If it contains none, nothing is finished.
        name: Key of the content of a line.
        piece: Name of a piece of work in messages, for example ``"example"``.
        read: Converts the content of a line to the key of a piece and the piece. It raises ValueError, TypeError or
            KeyError if it cannot.

    Yields:
        File and line number for messages, key, and piece.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, or if two different lines have the same
            key.
    """
    sources: dict[K, tuple[str, bytes]] = {}
    for path in sorted(Path(directory).glob("*.jsonl")):
        for number, line in enumerate(_finished_lines(path), 1):
            where = f"{path}, line {number}"
            try:
                key, value = read(_content(name, line))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(
                    f"{where}: damaged ({error}); restore the file, or delete the line to recompute its {piece}"
                ) from None
            first, known = sources.setdefault(key, (where, line))
            if known != line:
                raise ValueError(f"{where}: {piece} {key} differs from the one in {first}; must be the same")
            if first == where:
                yield where, key, value


_MIDDLE, _SUFFIX = ',"crc32":"', '"}'


def _closed(name: str, content: str) -> bytes:
    """Return a line with a checksum of everything before the checksum."""
    body = f'{{"{name}":{content}{_MIDDLE}'
    return f"{body}{crc32(body.encode()):08x}{_SUFFIX}\n".encode()


def _content(name: str, line: bytes) -> Any:
    content = line.decode()[len(f'{{"{name}":') : -len(f"{_MIDDLE}12345678{_SUFFIX}\n")]
    if _closed(name, content) != line:
        raise ValueError("checksum does not match")
    return json.loads(content)


def _finished_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _drop_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        whole = sum(len(line) for line in file if line.endswith(b"\n"))
        if whole < size:
            file.truncate(whole)
