"""Writing the files of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def named_errors(path: str | Path) -> Iterator[None]:
    """Add the path to an error of the operating system that names no file, as that of a full disk.

    Raises:
        OSError: With ``filename`` set, if the block raises one.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it exists whole or not at all.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    draft = path.with_name(f"{path.name}.part")
    with named_errors(path):
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
