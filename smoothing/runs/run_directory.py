"""The directory of one run: whose it is, and what is finished."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from smoothing.certificates import Row, Shard, Table, read_shards
from smoothing.runs.settings import computed_settings, differing_settings
from smoothing.votes import Draw, DrawShard, Predictions, read_draws

CONFIG = "config.yaml"
"""Name of the file that holds the resolved config of a run."""

SOURCES = ("data", "checkpoint")
"""Entries of the provenance that rows depend on, beside the config."""


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
        per_input: Path of the changes of single inputs that are certified, where the object is made of many.
        per_input_curve: Path of certified accuracy by them.
        per_input_figure: Path of the same, drawn.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.table = self.path / "certificates.csv"
        self.curve = self.path / "curve.csv"
        self.figure = self.path / "curve.png"
        self.per_input = self.path / "per_input.csv"
        self.per_input_curve = self.path / "per_input_curve.csv"
        self.per_input_figure = self.path / "per_input_curve.png"
        self._config = self.path / CONFIG
        self._provenance = self.path / "provenance.json"
        self._shards = self.path / "certificates"
        self._draws = self.path / "draws"
        self._timings = self.path / "timings"
        self._run = ""

    def check(self, provenance: Mapping[str, Any]) -> None:
        """Refuse a directory that cannot take the rows of a run.

        Args:
            provenance: The provenance of the run, and the number of ``examples`` asked.

        Raises:
            ValueError: If the directory is another run's, naming what differs, not whole, or cannot be written; or if
                work in it is unfinished, and no config says what did the rest.
        """
        _check_writable(self.path)
        self._run = _digest(provenance)
        if not self._provenance.exists():
            if self.finished() or self.finished_draws():
                raise ValueError(f"run_dir: {self.path} holds certificates of no known config; must be whole or new")
            return
        if not provenance["config"] and len(self.finished()) < provenance["examples"]:
            raise ValueError(f"run_dir: {self.path} is unfinished; config must be given, to know whose it is")
        runs = {"there": self._made_by(), "here": provenance}
        # Where configs differ, data may well differ too; that would be no news.
        configs = {at: computed_settings(run["config"]) for at, run in runs.items()}
        sources = {at: _sources(run) for at, run in runs.items()}
        differing = differing_settings(configs) or differing_settings(sources)
        if differing:
            told = "; ".join(f"{name} is {at['there']} there and {at['here']} here" for name, at in differing.items())
            raise ValueError(f"run_dir: {self.path} was made by another config: {told}")

    def finished(self) -> dict[int, list[Row]]:
        """Rows of every finished example, by its index.

        Raises:
            ValueError: If a shard is damaged, naming file and line.
        """
        return read_shards(self._shards)

    def finished_draws(self) -> Mapping[Draw, Predictions]:
        """Predictions of every finished draw; of this run, known since `check`, and no other.

        Raises:
            ValueError: If a shard is damaged or holds a draw of another run, naming file and line.
        """
        return read_draws(self._draws, self._run)

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

    def draw_shard(self, rank: int) -> DrawShard:
        """The shard of one rank for draws, open for appending."""
        self._draws.mkdir(parents=True, exist_ok=True)
        return DrawShard(self._draws / f"rank-{rank}.jsonl", self._run)

    def timings(self, name: str) -> Path:
        """Where it is noted how long some work took."""
        self._timings.mkdir(parents=True, exist_ok=True)
        return self._timings / f"{name}.tsv"

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


def _sources(provenance: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(provenance[name]) for name in SOURCES}


def _digest(provenance: Mapping[str, Any]) -> str:
    """A short name for a run, by what its draws depend on."""
    settings = computed_settings(provenance["config"]) | _sources(provenance)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _check_writable(path: Path) -> None:
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise ValueError(f"run_dir: {path}; must be a directory, and {nearest} is none")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"run_dir: {path}; must be writable, and {nearest} is not")


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
