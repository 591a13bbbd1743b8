"""Error messages for absent data sets and failed downloads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from smoothing.data_folder import VARIABLE


@contextmanager
def downloading(source: str, root: Path, layout: str) -> Iterator[None]:
    """Raise an error of one line if the download of a data set fails.

    Args:
        source: Name of the data set.
        root: Folder to download to.
        layout: Paths of the files within the folder.

    Raises:
        ValueError: If the download fails.
    """
    try:
        yield
    except (RuntimeError, URLError, OSError) as error:
        reason = f"{source}: root = {root}; cannot download to it: {error}"
        raise ValueError(f"{reason.rstrip('.')}. {placing(layout)}") from error


def placing(layout: str) -> str:
    """Return a sentence that says where to place the files of a data set.

    Args:
        layout: Paths of the files within the folder.
    """
    return f"Place {layout} in the folder that --data.root or the environment variable {VARIABLE} names"
