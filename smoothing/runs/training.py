"""The directory of a training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from smoothing.files import write_whole
from smoothing.runs.lock import Lock
from smoothing.runs.run_directory import CONFIG, PROVENANCE, WAYS_OUT, check_writable, checkpoints, in_words
from smoothing.runs.settings import computed_settings


class TrainingDirectory:
    """Directory of one training run: config, checkpoints and logs. Files of another run are never overwritten.

    Args:
        path: The directory.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = Lock(self.path / "lock.json")

    def check(self, config: Mapping[str, Any], ckpt_path: str | None) -> None:
        """Raise if the directory holds another run, unless the training in it is continued.

        Args:
            config: The resolved config.
            ckpt_path: Checkpoint to continue from, if any.

        Raises:
            ValueError: If the directory holds certificates or a training, is in use, or cannot be written. A training
                that has no checkpoint yet can be restarted with the same config.
        """
        check_writable(self.path)
        self._lock.check()
        if (self.path / PROVENANCE).exists():
            raise ValueError(f"run_dir: {self.path} holds certificates; {WAYS_OUT}")
        if ckpt_path is not None and (ckpt_path == "last" or _is_within(Path(ckpt_path), self.path)):
            return
        differing = self._differing(config)
        last = max(checkpoints(self.path), key=lambda path: path.stat().st_mtime, default=None)
        if differing or last:
            proceed = f"continue it with --ckpt_path {last}, " if last else ""
            raise ValueError(f"run_dir: {self.path} holds a training{differing}; {proceed}{WAYS_OUT}")

    def open(self, config: str) -> None:
        """Create and lock the directory, and write the config. Call it on one rank.

        Raises:
            ValueError: If another process holds the lock.
            OSError: If a file cannot be written, with its name.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        write_whole(self.path / CONFIG, config)

    def close(self) -> None:
        """Unlock the directory."""
        self._lock.release()

    def _differing(self, config: Mapping[str, Any]) -> str:
        """Describe how the config differs from the config in the directory; empty if it does not, or there is none."""
        file = self.path / CONFIG
        if not file.exists():
            return ""
        try:
            there = dict(yaml.safe_load(file.read_text(encoding="utf-8")))
        except (yaml.YAMLError, TypeError, ValueError):
            return f" of an unreadable config ({file})"
        differences = in_words(computed_settings(_lasting(there)), computed_settings(_lasting(config)))
        return f" of another config: {differences}" if differences else ""


def _lasting(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in ("ckpt_path", "config")}


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
