"""Downloads of data sets, and what to do where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from smoothing.data_folder import VARIABLE


@contextmanager
def downloading(source: str, root: Path, layout: str) -> Iterator[None]:
    """Raise an error of one line if a data set cannot be downloaded.

    Args:
        source: Name of the data set.
        root: Folder to download to.
        layout: The files within the folder.

    Raises:
        ValueError: If the connection, the place to write to, or a part of the files is missing.
    """
    try:
        yield
    except (RuntimeError, URLError, OSError) as error:
        reason = f"{source}: root = {root}; cannot download to it: {error}"
        raise ValueError(f"{reason.rstrip('.')}. {placing(layout)}") from error


def placing(layout: str) -> str:
    """Return a sentence that says where to place the files of a data set.

    Args:
        layout: The files within the folder.
    """
    return f"Place {layout} in the folder that --data.root or the environment variable {VARIABLE} names"
