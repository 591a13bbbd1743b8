"""Append-only files of finished work: JSON lines, each with a checksum."""

import json
import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
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


@dataclass(frozen=True)
class Batch(Generic[K, V]):
    """Consecutive finished lines of one journal, without those that another rank has written too.

    Attributes:
        path: The journal.
        numbers: Number of each line.
        keys: Key of the piece of work of each line.
        pieces: Piece of work of each line.
    """

    path: Path
    numbers: Sequence[int]
    keys: Sequence[K]
    pieces: Sequence[V]

    def where(self, place: int) -> str:
        """Return file and number of a line, for messages."""
        return f"{self.path}, line {self.numbers[place]}"


def read_journals(
    directory: str | Path,
    name: str,
    piece: str,
    read: Callable[[Any], tuple[K, V]],
    sizes: dict[Path, int] | None = None,
) -> Iterator[Batch[K, V]]:
    """Read the finished work in all journals ``*.jsonl`` of a directory.

    A torn last line is skipped: its work is not finished. A line that several ranks have written is yielded once.

    Args:
        directory: Folder of the journals. If it contains none, nothing is finished.
        name: Key of the content of a line.
        piece: Name of a piece of work in messages, for example ``"example"``.
        read: Converts the content of a line to the key of a piece and the piece. It raises ValueError, TypeError or
            KeyError if it cannot.
        sizes: Filled with the size of the finished lines of each journal in bytes.

    Yields:
        Finished lines. All lines before a damaged one are yielded.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, or if two different lines have the same
            key.
    """
    first = _Lines()
    known: dict[K, int] = {}
    beginning = f'{{"{name}":'.encode()
    for path in sorted(Path(directory).glob("*.jsonl")):
        first.begin(path)
        start, number = 0, 1
        with path.open("rb") as file:
            while lines := list(islice(file, _BATCH)):
                if not lines[-1].endswith(b"\n"):
                    lines.pop()
                found, error = _read_lines(beginning, lines, read)
                numbers: list[int] = []
                keys: list[K] = []
                pieces: list[V] = []
                refused: ValueError | None = None
                for line, (key, value) in zip(lines, found, strict=False):
                    new = len(known)
                    place = known.setdefault(key, new)
                    if place == new:
                        first.numbers.append(number)
                        first.starts.append(start)
                        numbers.append(number)
                        keys.append(key)
                        pieces.append(value)
                    elif first.line(place) != line:
                        refused = ValueError(
                            f"{path}, line {number}: {piece} {key} differs from the one in {first.where(place)}; must "
                            "be the same"
                        )
                        break
                    start += len(line)
                    number += 1
                if keys:
                    yield Batch(path, numbers, keys, pieces)
                if refused is not None:
                    raise refused
                if error is not None:
                    raise damaged(f"{path}, line {number}", error, piece) from None
        if sizes is not None:
            sizes[path] = start


class _Lines:
    """Places of lines in files, in a few bytes per line.

    Attributes:
        numbers: Number of each line in its file.
        starts: First byte of each line in its file.
    """

    def __init__(self) -> None:
        self._files: list[tuple[int, Path]] = []
        self.numbers, self.starts = array("q"), array("q")

    def begin(self, path: Path) -> None:
        """Begin the lines of a file."""
        self._files.append((len(self.numbers), path))

    def line(self, place: int) -> bytes:
        """Read a line."""
        with self._file(place).open("rb") as file:
            file.seek(self.starts[place])
            return file.readline()

    def where(self, place: int) -> str:
        """Return file and number of a line."""
        return f"{self._file(place)}, line {self.numbers[place]}"

    def _file(self, place: int) -> Path:
        return next(path for begin, path in reversed(self._files) if begin <= place)


_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


def _read_lines(
    beginning: bytes, lines: Sequence[bytes], read: Callable[[Any], tuple[K, V]]
) -> tuple[list[tuple[K, V]], Exception | None]:
    """Return what is read from lines up to the first damaged one, and its error."""
    try:
        return list(map(read, _contents(beginning, lines))), None
    except _UNREADABLE:
        found = []
        for line in lines:
            try:
                found.append(read(_content(beginning, line)))
            except _UNREADABLE as error:
                return found, error
        return found, None


def read_run(directory: str | Path, name: str, run: str, read: Callable[[Any], tuple[tuple[str, K], V]]) -> dict[K, V]:
    """Read the finished work of one run in all journals of a directory; see `read_journals`.

    Args:
        directory: Folder of the journals. If it contains none, nothing is finished.
        name: Key of the content of a line, and the name of a piece of work in messages.
        run: Identifier of the run.
        read: Converts the content of a line to the identifier of its run with the key of the piece, and the piece.

    Raises:
        ValueError: With file and line number, as `read_journals` does, or if a line belongs to another run.
    """
    finished = {}
    for batch in read_journals(directory, name, name, read):
        for place, ((made_by, key), piece) in enumerate(zip(batch.keys, batch.pieces, strict=True)):
            if made_by != run:
                where = batch.where(place)
                raise ValueError(f"{where}: a {name} of another run ({made_by}); must be of this run ({run})")
            finished[key] = piece
    return finished


def damaged(where: str, error: Exception, piece: str) -> ValueError:
    """Return the error of a damaged line."""
    return ValueError(f"{where}: damaged ({error}); restore the file, or delete the line to recompute its {piece}")


_encode = json.JSONEncoder(separators=(",", ":")).encode
_MIDDLE, _SUFFIX = ',"crc32":"', '"}'


def _closed(name: str, content: str) -> bytes:
    """Return a line with a checksum of everything before the checksum."""
    body = f'{{"{name}":{content}{_MIDDLE}'
    return f"{body}{crc32(body.encode()):08x}{_SUFFIX}\n".encode()


def _contents(beginning: bytes, lines: Sequence[bytes]) -> list[Any]:
    """Return the contents of several lines. They are parsed together, which is faster.

    Raises:
        ValueError: If any of them cannot be parsed this way.
    """
    if not lines:
        return []
    found = orjson.loads(b"[%b]" % b",".join([_checked(beginning, line) for line in lines]))
    if len(found) != len(lines):
        raise ValueError("a line has not one content")
    return list(found)


def _content(beginning: bytes, line: bytes) -> Any:
    content = _checked(beginning, line)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # Infinite numbers and NaN are no JSON. Python reads and writes them.
        return json.loads(content)


def _checked(beginning: bytes, line: bytes) -> bytes:
    """Return the text of the content of a line."""
    if not line.endswith(_ENDING % crc32(line[:_END])) or not line.startswith(beginning):
        raise ValueError("checksum does not match")
    return line[len(beginning) : _END - len(_MIDDLE)]


_END = -len(f"12345678{_SUFFIX}\n")
_ENDING = f"{_MIDDLE}%08x{_SUFFIX}\n".encode()


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

_BATCH = 64
"""Number of lines that are read at once. More would leave the cache of the processor."""
