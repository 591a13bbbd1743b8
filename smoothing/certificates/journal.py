"""Append-only files of finished work: JSON lines, each closed by a checksum."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from zlib import crc32

import orjson

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
        self.extend([piece])

    def extend(self, pieces: Sequence[P]) -> None:
        """Write several finished pieces of work, one line each, at once.

        Raises:
            OSError: Naming the file, if it cannot be written. The file then ends in a torn line, or in a whole one.
        """
        lines = b"".join(_closed(self._name, _encode(self.content(piece))) for piece in pieces)
        try:
            while lines:
                lines = lines[self._file.write(lines) :]
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
    known: dict[K, tuple[Path, int, int]] = {}
    for path in sorted(Path(directory).glob("*.jsonl")):
        start = 0
        for number, line in enumerate(_finished_lines(path), 1):
            where = f"{path}, line {number}"
            try:
                key, value = read(_content(name, line))
                first, first_number, first_start = known.setdefault(key, (path, number, start))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                raise damaged(where, error, piece) from None
            if (first, first_number) == (path, number):
                yield where, key, value
            elif _line_at(first, first_start) != line:
                raise ValueError(
                    f"{where}: {piece} {key} differs from the one in {first}, line {first_number}; must be the same"
                )
            start += len(line)


def damaged(where: str, error: Exception, piece: str) -> ValueError:
    """Return the error of a damaged line."""
    return ValueError(f"{where}: damaged ({error}); restore the file, or delete the line to do its {piece} again")


_encode = json.JSONEncoder(separators=(",", ":")).encode
_MIDDLE, _SUFFIX = ',"crc32":"', '"}'


def _closed(name: str, content: str) -> bytes:
    """One line; the checksum covers everything before it."""
    body = f'{{"{name}":{content}{_MIDDLE}'
    return f"{body}{crc32(body.encode()):08x}{_SUFFIX}\n".encode()


def _content(name: str, line: bytes) -> Any:
    body, end = line[:_END], line[_END:]
    start = f'{{"{name}":'.encode()
    if end != b'%08x"}\n' % crc32(body) or not body.startswith(start) or not body.endswith(_MIDDLE.encode()):
        raise ValueError("checksum does not match")
    content = body[len(start) : -len(_MIDDLE)]
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # Infinite numbers and NaN are no JSON. Python reads and writes them.
        return json.loads(content)


_END = -len(f"12345678{_SUFFIX}\n")


def _line_at(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.readline()


def _finished_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _drop_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        size = start = file.seek(0, os.SEEK_END)
        while start:
            start = max(0, start - _BLOCK)
            file.seek(start)
            if newline := file.read(_BLOCK).rfind(b"\n") + 1:
                break
        else:
            newline = 0
        if start + newline < size:
            file.truncate(start + newline)


_BLOCK = 1 << 16
