"""SHA-256 of files, cached by size and modification times."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from smoothing.data_folder import cache_folder
from smoothing.files import write_whole


def file_hashes(root: Path, files: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of every file in hexadecimal.

    A file is read again only if its size, modification time or status change time has changed. The cache is a file in
    the user's cache directory, ``$XDG_CACHE_HOME/smoothing``. If it is not writable, every file is read every time.

    Args:
        root: Folder of the files.
        files: Files within the folder or its subfolders.

    Raises:
        ValueError: If a file cannot be read, naming it.
    """
    cache = cache_folder("file_hashes") / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]}.json"
    known = _read(cache)
    changed = False
    hashes = []
    try:
        for file in files:
            name = file.relative_to(root).as_posix()
            try:
                state = file.stat()
                # The status change time cannot be set back by a program, unlike the modification time.
                key = [state.st_size, state.st_mtime_ns, state.st_ctime_ns]
                entry = known.get(name)
                if not (isinstance(entry, list) and entry[:-1] == key):
                    with file.open("rb") as content:
                        known[name] = entry = [*key, hashlib.file_digest(content, "sha256").hexdigest()]
                    changed = True
            except OSError as error:
                raise ValueError(f"{file}; must be a readable file: {error.strerror}") from error
            hashes.append(str(entry[-1]))
    finally:
        # Hashes are also written after an interruption, since large folders take long.
        if changed:
            _write(cache, known)
    return hashes


def _read(cache: Path) -> dict[str, Any]:
    try:
        found = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(cache: Path, known: dict[str, Any]) -> None:
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cache, json.dumps(known))
