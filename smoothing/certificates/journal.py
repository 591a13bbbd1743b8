"""Append-only files of finished work: JSON lines, each with a checksum."""

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
        self.extend([piece])

    def extend(self, pieces: Sequence[P]) -> None:
        """Write several finished pieces of work, one line each, at once.

        Raises:
            OSError: If the file cannot be written, with its name. The file can then end in a torn line.
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
    known: dict[K, tuple[Path, int, int]] = {}
    beginning = f'{{"{name}":'.encode()
    for path in sorted(Path(directory).glob("*.jsonl")):
        start, file = 0, f"{path}, line "
        for number, line in enumerate(_finished_lines(path), 1):
            where = f"{file}{number}"
            try:
                key, value = read(_content(beginning, line))
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
    return ValueError(f"{where}: damaged ({error}); restore the file, or delete the line to recompute its {piece}")


_encode = json.JSONEncoder(separators=(",", ":")).encode
_MIDDLE, _SUFFIX = ',"crc32":"', '"}'


def _closed(name: str, content: str) -> bytes:
    """Return a line with a checksum of everything before the checksum."""
    body = f'{{"{name}":{content}{_MIDDLE}'
    return f"{body}{crc32(body.encode()):08x}{_SUFFIX}\n".encode()


def _content(beginning: bytes, line: bytes) -> Any:
    body = memoryview(line)[:_END]
    if not line.endswith(_ENDING % crc32(body)) or not line.startswith(beginning):
        raise ValueError("checksum does not match")
    content = body[len(beginning) : -len(_MIDDLE)]
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # Infinite numbers and NaN are no JSON. Python reads and writes them.
        return json.loads(bytes(content))


_END = -len(f"12345678{_SUFFIX}\n")
_ENDING = f"{_MIDDLE}%08x{_SUFFIX}\n".encode()


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
