"""Append-only files of finished work: JSON lines, each closed by a checksum."""

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
    """The journal of one rank, open for appending. Finished lines are never touched.

    One line, ``{"<name>":...,"crc32":"..."}``, holds one piece of work, which is finished or not. It is handed to the
    operating system whole: it survives the death of the process.

    Args:
        path: The file, ``*.jsonl``; made if there is none. A torn last line, which has no line end, is dropped.
        name: What a line holds.
    """

    def __init__(self, path: str | Path, name: str) -> None:
        self._path = Path(path)
        if self._path.exists():
            _drop_torn_line(self._path)
        self._name = name
        # Without a buffer, so that what could not be written is not tried again when the file is closed.
        self._file = self._path.open("ab", buffering=0)

    @abstractmethod
    def content(self, piece: P) -> Any:
        """A piece of work in values that JSON knows."""

    def append(self, piece: P) -> None:
        """Write one finished piece of work.

        Raises:
            OSError: Naming the file, if it cannot be written. The file then ends in a torn line, or in none.
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
        """Write within a ``with`` block."""
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

    A torn last line is left out: its work is not finished. Where several ranks wrote the same, it comes once.

    Args:
        directory: Where the journals stand; without any, nothing is finished.
        name: What a line holds.
        piece: What is called a piece of work in messages, for example ``"example"``.
        read: Makes the key of a piece and the piece itself from the content of a line; ValueError, TypeError or
            KeyError where it cannot.

    Yields:
        Where a line stands, for messages, its key and its piece.

    Raises:
        ValueError: Naming file and line, if a finished line is damaged, or a key stands twice with different lines.
    """
    sources: dict[K, tuple[str, bytes]] = {}
    for path in sorted(Path(directory).glob("*.jsonl")):
        for number, line in enumerate(_finished_lines(path), 1):
            where = f"{path}, line {number}"
            try:
                key, value = read(_content(name, line))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(
                    f"{where}: damaged ({error}); restore the file, or delete the line to do its {piece} again"
                ) from None
            first, known = sources.setdefault(key, (where, line))
            if known != line:
                raise ValueError(f"{where}: {piece} {key} differs from the one in {first}; must be the same")
            if first == where:
                yield where, key, value


_MIDDLE, _SUFFIX = ',"crc32":"', '"}'


def _closed(name: str, content: str) -> bytes:
    """One line; the checksum covers everything before it."""
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
