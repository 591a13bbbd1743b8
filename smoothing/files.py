"""Writing of whole files."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield the path of a draft, which replaces a file at the end of the block.

    The file thus exists whole or not at all, also if several processes write it. After an error the draft is removed.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    # Nodes that share a folder may have processes of the same number.
    made = path.with_name(f"{path.name}.{platform.node()}.{os.getpid()}.part")
    with named_errors(path):
        try:
            yield made
            made.replace(path)
        except BaseException:
            with suppress(OSError):
                made.unlink()
            raise


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it exists whole or not at all.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    with draft(path) as made:
        made.write_text(text, encoding="utf-8")
