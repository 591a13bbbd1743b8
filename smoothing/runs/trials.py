"""Trials of attacks against defences: their rows, journal and table."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from smoothing.certificates.journal import Journal, read_run
from smoothing.files import write_whole

_NAME = "trial"


class TrialKey(NamedTuple):
    """Identifier of a trial within its run.

    Attributes:
        attack: Name of the attack.
        number: Number of the setup, from 0.
        defence: Name of the defence.
    """

    attack: str
    number: int
    defence: str


@dataclass(frozen=True)
class Trial:
    """Outcome of one attack on one target against one defence. It is an observation, never a certificate.

    Attributes:
        attack: Name of the attack.
        number: Number of the setup, from 0.
        defence: Name of the defence.
        target: Position of the target in the test set.
        target_class: Label of the target.
        intended: Class that the attack wants to be predicted.
        count: Number of poisons.
        eps: Largest change of a poison.
        norm: Norm of the change.
        prediction: Class that is predicted for the target, with its trigger if there is one; -1 for none.
        success: Whether it is the intended class.
        right: Number of clean test examples that are classified correctly.
        tests: Number of clean test examples.
        radius: Number of changed training examples that cannot change the prediction; None if nothing is certified, or
            if the frozen body was trained on training images of the trial.
        loss_before: Objective of the attack at the clean images.
        loss_after: Objective of the attack at the poisons.
        poisons: SHA-256 of the poisons, in hexadecimal.
        seen: Whether a frozen body or a denoiser was trained on training or test images of the trial.
    """

    attack: str
    number: int
    defence: str
    target: int
    target_class: int
    intended: int
    count: int
    eps: float
    norm: str
    prediction: int
    success: bool
    right: int
    tests: int
    radius: float | None
    loss_before: float
    loss_after: float
    poisons: str
    seen: bool

    def __post_init__(self) -> None:
        for field in fields(self):
            value, allowed = getattr(self, field.name), _TYPES[field.name]
            if type(value) not in allowed:
                raise ValueError(f"Trial: {field.name} = {value!r}; must be {' or '.join(k.__name__ for k in allowed)}")
        if self.success != (self.prediction == self.intended) or not 0 <= self.right <= self.tests:
            raise ValueError(f"Trial: success = {self.success}, right = {self.right}; must agree with the other values")

    @property
    def key(self) -> TrialKey:
        """Identifier of the trial."""
        return TrialKey(self.attack, self.number, self.defence)


_TYPES: dict[str, tuple[type, ...]] = {
    name: {"int": (int,), "str": (str,), "float": (float,), "bool": (bool,)}.get(str(kind.__name__), ())
    for name, kind in Trial.__annotations__.items()
    if isinstance(kind, type)
} | {"radius": (float, type(None))}


class TrialShard(Journal[Trial]):
    """Finished trials of one rank: a journal. Each line contains one trial.

    Args:
        path: The file, ``*.jsonl``; see `Journal`.
        run: Identifier of the run, written to every line.
    """

    def __init__(self, path: str | Path, run: str) -> None:
        super().__init__(path, _NAME)
        self._run = run

    def content(self, piece: Trial) -> dict[str, Any]:
        """Return a trial as JSON-compatible values; see `Journal.content`."""
        return {"run": self._run, **asdict(piece)}


def read_trials(directory: str | Path, run: str) -> Mapping[TrialKey, Trial]:
    """Read the finished trials in a directory; see `read_run`.

    Args:
        directory: Folder of the journals. If it contains none, nothing is finished.
        run: Identifier of the run.

    Raises:
        ValueError: With file and line number, if a finished line is damaged, if a trial has two different lines, or if
            it belongs to another run.
    """
    return read_run(directory, _NAME, run, _read)


def _read(content: Any) -> tuple[tuple[str, TrialKey], Trial]:
    values = dict(content)
    run = str(values.pop("run"))
    trial = Trial(**values)
    return (run, trial.key), trial


def write_csv(path: Path, trials: Iterable[Trial]) -> None:
    """Write trials to a CSV file, whole or not at all."""
    text = StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(Trial)], lineterminator="\n")
    table.writeheader()
    for trial in trials:
        table.writerow(
            {
                name: "" if value is None else repr(value) if isinstance(value, float) else value
                for name, value in asdict(trial).items()
            }
        )
    write_whole(path, text.getvalue())


def read_csv(path: Path) -> list[Trial]:
    """Read trials from a CSV file.

    Raises:
        ValueError: If the file is damaged, naming it and the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}; must be a readable table of trials: {error}") from None
    trials = []
    for line, row in enumerate(rows, 2):
        try:
            trials.append(Trial(**{name: _parsed(name, text) for name, text in row.items()}))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {line}: damaged ({error}); must be a trial") from None
    return trials


def _parsed(name: str, text: str) -> Any:
    kinds = _TYPES[name]
    if bool in kinds:
        return {"True": True, "False": False}[text]
    return None if type(None) in kinds and not text else kinds[0](text)
