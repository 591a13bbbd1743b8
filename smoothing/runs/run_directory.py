"""The directory of one run: whose it is, and what is finished."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from smoothing.certificates import Shard, Table, read_shards
from smoothing.certificates.shards import Finished
from smoothing.provenance.code import code_version
from smoothing.runs.files import named_errors, write_whole
from smoothing.runs.lock import Lock
from smoothing.runs.settings import computed_settings, differing_settings
from smoothing.votes import Draw, DrawShard, Predictions, read_draws

CONFIG = "config.yaml"
"""Name of the file that holds the resolved config of a run."""

PROVENANCE = "provenance.json"
"""Name of the file that holds the provenance of a certify run."""

SOURCES = ("data", "checkpoint", "identity", "sources")
"""Entries of the provenance that rows depend on, beside the config: data, checkpoints, networks and arrays, code."""

WAYS_OUT = "choose another --run_dir (one per trial of a sweep), or remove it"
"""Ends a refusal of a directory."""

SHOWN = 2
"""Differences between runs that a refusal names."""


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
        lock: Lock that the process which writes here holds.
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
        self._provenance = self.path / PROVENANCE
        self._shards = self.path / "certificates"
        self._draws = self.path / "draws"
        self._timings = self.path / "timings"
        self.lock = Lock(self.path / "lock.json")
        self._run = ""
        self._finished: tuple[list[tuple[Path, int, int]], Finished] | None = None

    def check(self, provenance: Mapping[str, Any]) -> None:
        """Refuse a directory that cannot take the rows of a run.

        Args:
            provenance: The provenance of the run, and the number of ``examples`` asked.

        Raises:
            ValueError: If the directory is another run's, naming what differs, not whole, or cannot be written; or if
                work in it is unfinished, and no config says what did the rest.
        """
        check_writable(self.path)
        self.lock.check()
        self._run = _digest(provenance)
        if not self._provenance.exists():
            if self.finished() or self.finished_draws():
                raise ValueError(f"run_dir: {self.path} holds certificates of no known config; must be whole or new")
            if checkpoints(self.path):
                raise ValueError(f"run_dir: {self.path} holds a training; {WAYS_OUT}")
            return
        if not provenance["config"] and len(self.finished()) < provenance["examples"]:
            raise ValueError(f"run_dir: {self.path} is unfinished; config must be given, to know whose it is")
        there = self.made_by()
        # Where configs differ, data may well differ too; that would be no news.
        if differing := _differing(there, provenance, lambda run: computed_settings(run["config"])):
            raise ValueError(f"run_dir: {self.path} was made by another config: {differing}; {WAYS_OUT}")
        if differing := _differing(there, provenance, _sources):
            raise ValueError(
                f"run_dir: {self.path} was made with other data, networks or code: {differing}; {WAYS_OUT}"
            )

    def check_fitted(self, fitted: Mapping[str, str]) -> None:
        """Raise if votes or encoder were fitted to other values than those that finished rows were computed with.

        Args:
            fitted: Hashes of what was fitted, by name.

        Raises:
            ValueError: If so, naming what differs.
        """
        if not self._provenance.exists():
            return
        if differing := _differing(self.made_by(), {"fitted": fitted}, lambda run: computed_settings(run["fitted"])):
            raise ValueError(
                f"run_dir: {self.path} was made with votes fitted to other values, by other hardware or by code that "
                f"is not a function of its input: fitted {differing}; {WAYS_OUT}"
            )

    def finished(self) -> Finished:
        """Return the rows of every finished example by its index. Shards are read again only if they have changed.

        Raises:
            ValueError: If a shard is damaged, naming file and line.
        """
        shards = [(path, path.stat()) for path in sorted(self._shards.glob("*.jsonl"))]
        state = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in shards]
        if self._finished is None or self._finished[0] != state:
            self._finished = state, read_shards(self._shards)
        return self._finished[1]

    def finished_draws(self) -> Mapping[Draw, Predictions]:
        """Predictions of every finished draw; of this run, known since `check`, and no other.

        Raises:
            ValueError: If a shard is damaged or holds a draw of another run, naming file and line.
        """
        return read_draws(self._draws, self._run)

    def open(self, provenance: Mapping[str, Any]) -> None:
        """Make the directory, lock it and say whose it is. Call it on one rank, once everything is known to be good.

        Raises:
            ValueError: If it cannot be written, or another process holds it.
        """
        self.acquire()
        try:
            write_whole(self._config, yaml.safe_dump(provenance["config"], sort_keys=False))
            # Last, since from here on the directory is taken.
            write_whole(self._provenance, json.dumps(provenance, indent=2) + "\n")
        except OSError as error:
            raise ValueError(f"run_dir: {self.path}; must be writable: {error.strerror}") from error

    def acquire(self) -> None:
        """Make the directory and lock it.

        Raises:
            ValueError: If it cannot be written, or another process holds it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock.acquire()
        except OSError as error:
            raise ValueError(f"run_dir: {self.path}; must be writable: {error.strerror}") from error

    def shard(self, rank: int) -> Shard:
        """The shard of one rank, open for appending."""
        self._shards.mkdir(parents=True, exist_ok=True)
        return Shard(self._written_by(self._shards / f"rank-{rank}.jsonl"))

    def draw_shard(self, rank: int) -> DrawShard:
        """The shard of one rank for draws, open for appending."""
        self._draws.mkdir(parents=True, exist_ok=True)
        return DrawShard(self._written_by(self._draws / f"rank-{rank}.jsonl"), self._run)

    def timings(self, name: str) -> Path:
        """Where it is noted how long some work took."""
        self._timings.mkdir(parents=True, exist_ok=True)
        return self._timings / f"{name}.tsv"

    def holds(self, path: str | Path) -> bool:
        """Whether a path is the directory or lies in it."""
        return Path(path).absolute().is_relative_to(self.path.absolute())

    def code(self) -> str:
        """Version of the code that computed last in the directory; empty where none is known."""
        return str(self.made_by().get("code", "")) if self._provenance.exists() else ""

    def size(self) -> int:
        """Bytes of finished work, by which other processes' additions are noticed."""
        return sum(path.stat().st_size for path in (*self._shards.glob("*.jsonl"), *self._draws.glob("*.jsonl")))

    def merged(self) -> Table:
        """The table of a finished run, a function of its config.

        Raises:
            RuntimeError: If an example is missing.
        """
        finished = self.finished()
        asked = self.made_by()["examples"]
        if len(finished) < asked:
            raise RuntimeError(f"{self.path}: {asked - len(finished)} of {asked} examples are missing; start again")
        return finished.table()

    def _written_by(self, shard: Path) -> Path:
        """Note which version of the code writes the lines that follow in a shard: number of the first one, version."""
        notes = self.path / "writers" / f"{shard.parent.name}-{shard.stem}.tsv"
        notes.parent.mkdir(exist_ok=True)
        known = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        code = code_version()
        if not known or known[-1].partition("\t")[2] != code:
            lines = shard.read_bytes().count(b"\n") if shard.exists() else 0
            with named_errors(notes), notes.open("a", encoding="utf-8") as file:
                file.write(f"{lines + 1}\t{code}\n")
        return shard

    def made_by(self) -> dict[str, Any]:
        """The provenance of the run that the directory belongs to.

        Raises:
            ValueError: If the file is damaged.
        """
        try:
            return dict(json.loads(self._provenance.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{self._provenance}: damaged ({error}); must be the provenance of a run") from error


def _sources(provenance: Mapping[str, Any]) -> dict[str, str]:
    return computed_settings({name: provenance[name] for name in SOURCES if name in provenance})


def _differing(there: Mapping[str, Any], here: Mapping[str, Any], part: Callable[[Any], dict[str, str]]) -> str:
    """What of a part of two provenances differs, in words; empty where nothing does."""
    return in_words(part(there), part(here))


def in_words(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return the first differences between two runs' settings in words; an empty string if there is none."""
    differing = differing_settings({"there": there, "here": here})
    told = [f"{name} is {_short(at['there'])} there and {_short(at['here'])} here" for name, at in differing.items()]
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "; ".join([*told[:SHOWN], *more])


def _short(value: str) -> str:
    """A value as it is shown: of a hash, its beginning."""
    return value[:12] if re.fullmatch("[0-9a-f]{64}", value) else value


def _digest(provenance: Mapping[str, Any]) -> str:
    """A short name for a run, by what its draws depend on."""
    settings = computed_settings(provenance["config"]) | _sources(provenance)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def default_run_dir(config: str) -> Path:
    """Return ``runs/<folder>/<name>`` for a config file, by the last folder of its path and its name without ending.

    A path without a folder gives ``runs/<name>``: ``configs/label_flip/digits.yaml`` runs in
    ``runs/label_flip/digits``, ``digits.yaml`` in ``runs/digits``.
    """
    path = Path(config)
    folder = path.parent.resolve().name if path.parent != Path() else ""
    return Path("runs", folder, path.stem)


def checkpoints(path: Path) -> list[Path]:
    """Checkpoints of a training in its directory."""
    return sorted(path.glob("checkpoints/**/*.ckpt"))


def check_writable(path: Path) -> None:
    """Raise if a directory cannot be made or written to.

    Raises:
        ValueError: If so.
    """
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise ValueError(f"run_dir: {path}; must be a directory, and {nearest} is none")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"run_dir: {path}; must be writable, and {nearest} is not")
