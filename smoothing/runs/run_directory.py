"""The directory of one run: its owner, and its finished rows and draws."""

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
from smoothing.collective.table import CollectiveTable, audited
from smoothing.files import named_errors, write_whole
from smoothing.provenance.code import code_version
from smoothing.runs.lock import Lock
from smoothing.runs.settings import ABSENT, computed_settings, differing_settings
from smoothing.runs.trials import Trial, TrialKey, TrialShard, read_trials
from smoothing.votes import Draw, DrawShard, Predictions, read_draws

CONFIG = "config.yaml"
"""Name of the file that holds the resolved config of a run."""

PROVENANCE = "provenance.json"
"""Name of the file that holds the provenance of a certify run."""

PICTURE = "poisons.png"
"""Name of the file with pictures of some poisons, in the folder of their arrays."""

SOURCES = ("data", "checkpoint", "identity", "sources")
"""Entries of the provenance that determine the rows, besides the config."""

WAYS_OUT = "choose another --run_dir (one per trial of a sweep), or remove it"
"""What a user can do if a directory belongs to another run; the end of error messages."""

SHOWN = 2
"""Number of differences between runs that an error message shows."""


class RunDirectory:
    """Directory of one run. Table, curve and logs are derived from its shards.

    Only the owner of the directory adds rows: a run with the same config, data, networks and code. Nothing is written
    before `open`.

    Args:
        path: The directory.

    Attributes:
        table: Path of the merged certificates.
        curve: Path of certified accuracy by radius.
        figure: Path of the figure of ``curve``.
        examples: Path of the images and texts of test examples, for reports.
        report: Path of the report, an HTML page.
        collective: Path of the collective certificates, if the config names any.
        per_input: Path of the certified changes of single inputs, if the object consists of several inputs.
        per_input_curve: Path of certified accuracy by change of a single input.
        per_input_figure: Path of the figure of ``per_input_curve``.
        sets: Path of coverage and mean size of certified sets by budget, if a certifier computes sets.
        sets_figure: Path of the figure of ``sets``.
        shards: Folder of the shards of all ranks.
        draws: Folder of the draw shards of all ranks.
        trial_table: Path of the trials of attacks against defences, if the run makes trials.
        trials: Folder of the trial shards of all ranks.
        poisons: Folder of the poisons of trials, one folder per attack and target.
        lock: Lock of the directory, held by the process that writes to it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.table = self.path / "certificates.csv"
        self.curve = self.path / "curve.csv"
        self.figure = self.path / "curve.png"
        self.examples = self.path / "examples.json"
        self.report = self.path / "report.html"
        self.collective = self.path / "collective.csv"
        self.per_input = self.path / "per_input.csv"
        self.per_input_curve = self.path / "per_input_curve.csv"
        self.per_input_figure = self.path / "per_input_curve.png"
        self.sets = self.path / "sets.csv"
        self.sets_figure = self.path / "sets.png"
        self._config = self.path / CONFIG
        self._provenance = self.path / PROVENANCE
        self.shards = self.path / "certificates"
        self.draws = self.path / "draws"
        self.trial_table = self.path / "trials.csv"
        self.trials = self.path / "trials"
        self.poisons = self.path / "poisons"
        self._timings = self.path / "timings"
        self.lock = Lock(self.path / "lock.json")
        self._run = ""
        self._finished: tuple[list[tuple[Path, int, int]], Finished] | None = None

    def check(self, provenance: Mapping[str, Any]) -> None:
        """Raise if the run does not own the directory.

        Args:
            provenance: Provenance of the run, with the number of requested ``examples``.

        Raises:
            ValueError: If the directory belongs to another run (the message shows the differences), is in use, is
                incomplete, or cannot be written; or if it is unfinished and the run has no config.
        """
        check_writable(self.path)
        self.lock.check()
        self._run = _digest(provenance)
        if not self._provenance.exists():
            if self.finished() or self.finished_draws() or any(self.trials.glob("*.jsonl")):
                raise ValueError(
                    f"run_dir: {self.path} holds certificates without provenance.json; must be complete or new"
                )
            if checkpoints(self.path):
                raise ValueError(f"run_dir: {self.path} holds a training; {WAYS_OUT}")
            return
        if not provenance["config"] and len(self.finished()) < provenance["examples"]:
            raise ValueError(f"run_dir: {self.path} is unfinished; config must be given, to identify its owner")
        there = self.made_by()
        # Other data are to be expected under another config: only the cause is reported.
        if differing := _differing(there, provenance, lambda run: computed_settings(run["config"])):
            raise ValueError(f"run_dir: {self.path} was made by another config: {differing}; {WAYS_OUT}")
        if differing := _differing(there, provenance, _sources):
            raise ValueError(
                f"run_dir: {self.path} was made with other data, networks or code: {differing}; {WAYS_OUT}"
            )

    def check_fitted(self, fitted: Mapping[str, str]) -> None:
        """Raise if votes or encoder were fitted to other values than for the finished rows.

        Args:
            fitted: SHA-256 of the fitted objects by name.

        Raises:
            ValueError: If the values differ, with their names.
        """
        if not self._provenance.exists():
            return
        if differing := _differing(
            self.made_by(), {"fitted": fitted}, lambda run: computed_settings(run.get("fitted", {}))
        ):
            raise ValueError(
                f"run_dir: {self.path} was made with votes fitted to other values (other hardware, or code that is "
                f"not deterministic): fitted {differing}; {WAYS_OUT}"
            )

    def finished(self) -> Finished:
        """Return the rows of every finished example by its index. Shards are read again only if they have changed.

        Raises:
            ValueError: If a shard is damaged, naming file and line.
        """
        shards = [(path, path.stat()) for path in sorted(self.shards.glob("*.jsonl"))]
        state = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in shards]
        if self._finished is None or self._finished[0] != state:
            self._finished = state, read_shards(self.shards)
        return self._finished[1]

    @property
    def known(self) -> Finished | None:
        """Rows that `finished` returned last; None before its first call."""
        return None if self._finished is None else self._finished[1]

    def finished_draws(self) -> Mapping[Draw, Predictions]:
        """Return the predictions of all finished draws. Call `check` first: it determines the owner of the draws.

        Raises:
            ValueError: If a shard is damaged or holds a draw of another run, naming file and line.
        """
        return read_draws(self.draws, self._run)

    def finished_trials(self) -> Mapping[TrialKey, Trial]:
        """Return all finished trials. Call `check` first: it determines the owner of the trials.

        Raises:
            ValueError: If a shard is damaged or holds a trial of another run, naming file and line.
        """
        return read_trials(self.trials, self._run)

    def open(self, provenance: Mapping[str, Any]) -> None:
        """Create and lock the directory, and write config and provenance. Call it on one rank, after all checks.

        Raises:
            ValueError: If the directory cannot be written, or another process holds its lock.
        """
        self.acquire()
        try:
            write_whole(self._config, yaml.safe_dump(provenance["config"], sort_keys=False))
            # Last, because this file makes the run the owner of the directory.
            write_whole(self._provenance, json.dumps(provenance, indent=2) + "\n")
        except OSError as error:
            raise ValueError(f"run_dir: {self.path}; must be writable: {error.strerror}") from error

    def acquire(self) -> None:
        """Create and lock the directory.

        Raises:
            ValueError: If the directory cannot be written, or another process holds its lock.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock.acquire()
        except OSError as error:
            raise ValueError(f"run_dir: {self.path}; must be writable: {error.strerror}") from error

    def shard(self, rank: int) -> Shard:
        """Open the shard of one rank for appending."""
        self.shards.mkdir(parents=True, exist_ok=True)
        return Shard(self._written_by(self.shards / f"rank-{rank}.jsonl"))

    def draw_shard(self, rank: int) -> DrawShard:
        """Open the draw shard of one rank for appending."""
        self.draws.mkdir(parents=True, exist_ok=True)
        return DrawShard(self._written_by(self.draws / f"rank-{rank}.jsonl"), self._run)

    def trial_shard(self, rank: int) -> TrialShard:
        """Open the trial shard of one rank for appending."""
        self.trials.mkdir(parents=True, exist_ok=True)
        return TrialShard(self._written_by(self.trials / f"rank-{rank}.jsonl"), self._run)

    def picture(self, attack: str, number: int) -> Path:
        """Return the path of the picture of some poisons, in the folder of the poisons of an attack on a target.

        Args:
            attack: Name of the attack.
            number: Number of the setup, from 0.
        """
        return self.poisons / f"{attack}-{number}" / PICTURE

    def timings(self, name: str) -> Path:
        """Return the path of a file of computing times. Its folder is created."""
        self._timings.mkdir(parents=True, exist_ok=True)
        return self._timings / f"{name}.tsv"

    def read_collective(self) -> CollectiveTable:
        """Return the collective certificates, an empty table if there are none.

        Raises:
            ValueError: If the table is damaged, or does not fit the stored multipliers, naming the file.
        """
        return audited(CollectiveTable.read_csv(self.collective), self.multipliers)

    def multipliers(self, name: str) -> Path:
        """Return the path of the multipliers of a collective certifier, an array of NumPy."""
        return self.path / "collective" / f"{name}.npy"

    def holds(self, path: str | Path) -> bool:
        """Return whether a path is the directory or inside it."""
        return Path(path).absolute().is_relative_to(self.path.absolute())

    def code(self) -> str:
        """Return the version of the code of the last run in the directory; empty if unknown."""
        return str(self.made_by().get("code", "")) if self._provenance.exists() else ""

    def size(self) -> int:
        """Return the size of all shards in bytes. It changes if another process adds rows or draws."""
        return sum(path.stat().st_size for path in (*self.shards.glob("*.jsonl"), *self.draws.glob("*.jsonl")))

    def merged(self) -> Table:
        """Return the table of a finished run. It depends only on config, data, networks and code.

        Raises:
            RuntimeError: If an example is missing.
        """
        finished = self.finished()
        asked = self.made_by()["examples"]
        if len(finished) < asked:
            raise RuntimeError(f"{self.path}: {asked - len(finished)} of {asked} examples are missing; start again")
        return finished.table()

    def _written_by(self, shard: Path) -> Path:
        """Record the version of the code that writes the next lines of a shard, with the number of the first line."""
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
        """Return the provenance of the owner of the directory.

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
    """Describe the differences between a part of two provenances; empty if there is none."""
    return in_words(part(there), part(here))


def in_words(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Describe the first differences between the settings of two runs; empty if there is none."""
    differing = differing_settings({"there": there, "here": here})
    # An object that only one of them has is named by its class alone.
    for name in [name for name, at in differing.items() if name.endswith(".class_path") and ABSENT in at.values()]:
        arguments = name.removesuffix("class_path") + "init_args."
        differing = {other: at for other, at in differing.items() if not other.startswith(arguments)}
    described = [
        f"{name} is {_short(at['there'])} there and {_short(at['here'])} here" for name, at in differing.items()
    ]
    more = [f"and {len(described) - SHOWN} more"] if len(described) > SHOWN else []
    return "; ".join([*described[:SHOWN], *more])


def _short(value: str) -> str:
    """Shorten a hash for a message."""
    return value[:12] if re.fullmatch("[0-9a-f]{64}", value) else value


def _digest(provenance: Mapping[str, Any]) -> str:
    """Hash everything that the draws of a run depend on."""
    settings = computed_settings(provenance["config"]) | _sources(provenance)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def default_run_dir(config: str) -> Path:
    """Return the default run directory of a config file: ``runs/<folder>/<name>``.

    The folder is the last one in the given path, the name is the file name without its ending. For example,
    ``configs/label_flip/digits.yaml`` gives ``runs/label_flip/digits``. A path without a folder, ``digits.yaml``,
    gives ``runs/digits``.
    """
    path = Path(config)
    folder = path.parent.resolve().name if path.parent != Path() else ""
    return Path("runs", folder, path.stem)


def trial_dir(path: Path, environment: Mapping[str, str]) -> Path:
    """Return the directory of one trial of a sweep, inside the default run directory; outside sweeps, that directory.

    Args:
        path: Default run directory.
        environment: Environment variables. The agent of wandb sets WANDB_SWEEP_ID and WANDB_RUN_ID for each trial.
    """
    sweep, trial = environment.get("WANDB_SWEEP_ID"), environment.get("WANDB_RUN_ID")
    return path / sweep / trial if sweep and trial else path


def checkpoints(path: Path) -> list[Path]:
    """Return the checkpoints of the training in a directory."""
    return sorted(path.glob("checkpoints/**/*.ckpt"))


def check_writable(path: Path) -> None:
    """Raise if a directory cannot be created or written to.

    Raises:
        ValueError: If the path is a file, or permissions are missing.
    """
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise ValueError(f"run_dir: {path}; must be a directory, but {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"run_dir: {path}; must be writable, but {nearest} is not")
