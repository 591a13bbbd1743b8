"""The directory of one run: whose it is, and what is finished."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from smoothing.certificates import Row, Shard, Table, read_shards

SOURCES = ("data", "checkpoint")
"""Entries of the provenance that rows depend on, beside the config."""

HOW_TO_RUN = ("trainer", "run_dir")
"""Parts of a config that say how a run is done, not what it computes."""

HOW_TO_LOAD = ("batch_size", "num_workers")
"""Arguments of a data module that say how examples are loaded, not which."""


class RunDirectory:
    """The truth about one run; its table, curve and logs are views of it.

    Rows are added only by the run that the directory was made for: same config, data and checkpoint. Nothing is
    written before `open`.

    Args:
        path: The directory.

    Attributes:
        table: Path of the merged certificates.
        curve: Path of certified accuracy by radius.
        figure: Path of the same, drawn.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.table = self.path / "certificates.csv"
        self.curve = self.path / "curve.csv"
        self.figure = self.path / "curve.png"
        self._config = self.path / "config.yaml"
        self._provenance = self.path / "provenance.json"
        self._shards = self.path / "certificates"
        self._timings = self.path / "timings"

    def check(self, provenance: Mapping[str, Any]) -> None:
        """Refuse a directory that cannot take the rows of a run.

        Args:
            provenance: The provenance of the run, and the number of ``examples`` asked.

        Raises:
            ValueError: If the directory is another run's, naming what differs, not whole, or cannot be written.
        """
        _check_writable(self.path)
        if not self._provenance.exists():
            if self.finished():
                raise ValueError(f"run_dir: {self.path} holds certificates of no known config; must be whole or new")
            return
        made_by = self._made_by()
        # Where configs differ, data may well differ too; that would be no news.
        differences = _differences(_identity(made_by["config"]), _identity(provenance["config"])) or _differences(
            *({name: str(run[name]) for name in SOURCES} for run in (made_by, provenance))
        )
        if differences:
            raise ValueError(f"run_dir: {self.path} was made by another config: {'; '.join(differences)}")

    def finished(self) -> dict[int, list[Row]]:
        """Rows of every finished example, by its index.

        Raises:
            ValueError: If a shard is damaged, naming file and line.
        """
        return read_shards(self._shards)

    def open(self, provenance: Mapping[str, Any]) -> None:
        """Make the directory and say whose it is. Call it on one rank, once everything is known to be good.

        Raises:
            ValueError: If it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            _write_whole(self._config, yaml.safe_dump(provenance["config"], sort_keys=False))
            # Last, since from here on the directory is taken.
            _write_whole(self._provenance, json.dumps(provenance, indent=2) + "\n")
        except OSError as error:
            raise ValueError(f"run_dir: {self.path}; must be writable: {error.strerror}") from error

    def shard(self, rank: int) -> Shard:
        """The shard of one rank, open for appending."""
        self._shards.mkdir(parents=True, exist_ok=True)
        return Shard(self._shards / f"rank-{rank}.jsonl")

    def timings(self, rank: int) -> Path:
        """Where one rank notes how long its examples took."""
        self._timings.mkdir(parents=True, exist_ok=True)
        return self._timings / f"rank-{rank}.tsv"

    def merged(self) -> Table:
        """The table of a finished run, a function of its config.

        Raises:
            RuntimeError: If an example is missing.
        """
        finished = self.finished()
        asked = self._made_by()["examples"]
        if len(finished) < asked:
            raise RuntimeError(f"{self.path}: {asked - len(finished)} of {asked} examples are missing; start again")
        return Table(row for example in finished.values() for row in example)

    def _made_by(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._provenance.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{self._provenance}: damaged ({error}); must be the provenance of a run") from error


def _check_writable(path: Path) -> None:
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise ValueError(f"run_dir: {path}; must be a directory, and {nearest} is none")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"run_dir: {path}; must be writable, and {nearest} is not")


def _identity(config: Mapping[str, Any]) -> dict[str, str]:
    """What of a config rows depend on, by dotted name."""
    kept = {name: value for name, value in config.items() if name not in HOW_TO_RUN}
    return {name: value for name, value in _leaves(kept, "") if not _is_loading(name)}


def _differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    return [
        f"{name} is {there.get(name, 'absent')} there and {here.get(name, 'absent')} here"
        for name in dict.fromkeys((*there, *here))
        if there.get(name) != here.get(name)
    ]


def _is_loading(name: str) -> bool:
    parts = name.split(".")
    return parts[0] == "data" and parts[-1] in HOW_TO_LOAD


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Dotted name and text of every leaf; the text, since a number may come as one or as its digits."""
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _leaves(part, f"{name}.{key}" if name else str(key))
    if not parts:
        yield name, str(value)


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
