"""Hashes of the contents of many files, computed once."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

CACHE = ".smoothing_contents.json"
"""Name of the cache file: in the folder of the files, or in the user's cache folder if that one is not writable."""


def contents_hash(root: str | Path, files: Iterable[Path]) -> str:
    """Return the SHA-256 of the paths and contents of files, in their order, in hexadecimal.

    Files are hashed folder by folder. Hashes are cached: a folder is read again only if names, sizes or modification
    times of its files have changed. A change that keeps all three is not detected.

    Args:
        root: Folder that holds the files; paths are relative to it.
        files: The files.

    Raises:
        OSError: If a file cannot be read, with its name.
    """
    root = Path(root)
    caches = (root / CACHE, _user_cache(root))
    known = {folder: entry for cache in reversed(caches) for folder, entry in _read(cache).items()}
    entries, changed = {}, False
    digest = hashlib.sha256()
    for folder, group in groupby(files, key=lambda path: path.parent):
        inside = list(group)
        # A folder can occur twice: before and after its subfolders.
        name = inside[0].relative_to(root).as_posix()
        stamp = _stamp(inside)
        entry = known.get(name)
        if entry is None or entry[0] != stamp:
            entry, changed = [stamp, _contents(inside)], True
        entries[name] = entry
        digest.update(f"{folder.relative_to(root).as_posix()} {entry[1]};".encode())
    if changed:
        _write(caches, known | entries)
    return digest.hexdigest()


def _stamp(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns};".encode())
    return digest.hexdigest()


def _contents(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()};".encode())
    return digest.hexdigest()


def _user_cache(root: Path) -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "smoothing" / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]}.json"


def _read(cache: Path) -> dict[str, list[str]]:
    """Read a cache; return no entries if it is missing or damaged, because they can be recomputed."""
    try:
        entries = json.loads(cache.read_text(encoding="utf-8"))
        return {name: [str(stamp), str(contents)] for name, (stamp, contents) in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(caches: Iterable[Path], entries: dict[str, list[str]]) -> None:
    """Write the first cache that is writable. If none is, the files are read again next time."""
    for cache in caches:
        with suppress(OSError):
            cache.parent.mkdir(parents=True, exist_ok=True)
            # Several processes can write at the same time.
            with tempfile.NamedTemporaryFile("w", dir=cache.parent, suffix=".part", delete=False) as draft:
                json.dump(entries, draft)
            Path(draft.name).replace(cache)
            return
