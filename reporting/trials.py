"""Trials of attacks against defences as tables: attack success and clean accuracy with intervals."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reporting.text_table import NOTHING, TextTable
from smoothing.runs.trials import Trial

PUBLISHED = ("source", "setting", "attack", "defence", "norm", "eps", "success", "trials", "accuracy")
"""Columns of files with published results."""

LEVEL = 0.95
"""Level of all intervals."""

SEEN = "* A frozen body or a denoiser was trained on training or test images of these trials."


@dataclass(frozen=True)
class Summary:
    """Trials of one attack against one defence.

    Attributes:
        run: Name of the run, or the source of a published result.
        setting: Setting of a published result; empty for runs.
        attack: Name of the attack.
        defence: Name of the defence.
        norm: Norm of the changes.
        eps: Largest change of a poison.
        success: Fraction of targets that are predicted as intended.
        success_within: Interval of this fraction; None if the number of targets is unknown.
        accuracy: Accuracy on clean test examples, averaged over targets; None if unknown.
        accuracy_within: Interval of the accuracy; None if the number of test examples is unknown.
        trials: Number of targets; None if unknown.
        seen: Whether a frozen body or a denoiser was trained on training or test images of the trials.
    """

    run: str
    setting: str
    attack: str
    defence: str
    norm: str
    eps: float
    success: float
    success_within: tuple[float, float] | None
    accuracy: float | None
    accuracy_within: tuple[float, float] | None
    trials: int | None
    seen: bool = False


def wilson(count: float, number: int) -> tuple[float, float]:
    """Return the 95 % interval of Wilson (1927) for a fraction.

    Args:
        count: Number of successes, which may be a mean.
        number: Number of trials, at least 1.
    """
    # Imported here, since it imports pandas and takes a second.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, number, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


def summaries(run: str, trials: Iterable[Trial]) -> list[Summary]:
    """Summarise the trials of a run by attack and defence, in the order of the trials.

    The trials of a run share their test examples. The interval of the accuracy therefore counts each example once.

    Args:
        run: Name of the run.
        trials: Finished trials.
    """
    groups: dict[tuple[str, str, str, float], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.attack, trial.defence, trial.norm, trial.eps), []).append(trial)
    found = []
    for (attack, defence, norm, eps), some in groups.items():
        won = sum(trial.success for trial in some)
        tests = min(trial.tests for trial in some)
        accuracy = sum(trial.right / trial.tests for trial in some) / len(some) if tests else None
        found.append(
            Summary(
                run=run,
                setting="",
                attack=attack,
                defence=defence,
                norm=norm,
                eps=eps,
                success=won / len(some),
                success_within=wilson(won, len(some)),
                accuracy=accuracy,
                accuracy_within=None if accuracy is None else wilson(accuracy * tests, tests),
                trials=len(some),
                seen=any(trial.seen for trial in some),
            )
        )
    return found


def read_published(path: Path) -> list[Summary]:
    """Read published results: a CSV file with the columns `PUBLISHED`, fractions within [0, 1].

    Raises:
        ValueError: If the file is damaged, naming it and the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            names, lines = tuple(rows.fieldnames or ()), list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}; must be a readable file of published results: {error}") from None
    if names != PUBLISHED:
        raise ValueError(f"{path} has the columns {', '.join(names)}; must have {', '.join(PUBLISHED)}")
    found = []
    for line, row in enumerate(lines, 2):
        try:
            success = _fraction(row["success"])
            trials = int(row["trials"]) if row["trials"] else None
            found.append(
                Summary(
                    run=row["source"],
                    setting=row["setting"],
                    attack=row["attack"],
                    defence=row["defence"],
                    norm=row["norm"],
                    eps=float(row["eps"]),
                    success=success,
                    success_within=wilson(success * trials, trials) if trials else None,
                    accuracy=_fraction(row["accuracy"]) if row["accuracy"] else None,
                    accuracy_within=None,
                    trials=trials,
                )
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}, line {line}: damaged ({error}); must be a published result") from None
    return found


def trial_table(found: Sequence[Summary], title: str = "Attack success and clean accuracy") -> TextTable:
    """Return a table of summaries, with 95 % intervals.

    Args:
        found: The summaries.
        title: Title of the table.
    """
    columns = {"run": False, "attack, defence": False, "budget": False}
    numbers = {"success": True, "accuracy": True, "targets": True}
    rows = [
        [
            f"{one.run}{f', {one.setting}' if one.setting else ''}{'*' if one.seen else ''}",
            f"{one.attack}, {one.defence}",
            budget(one.norm, one.eps),
            _percent(one.success, one.success_within),
            _percent(one.accuracy, one.accuracy_within),
            NOTHING if one.trials is None else str(one.trials),
        ]
        for one in found
    ]
    notes = ["Intervals are 95 % intervals of Wilson. Success is an observation, never a certificate."]
    return TextTable(title, columns | numbers, rows, [*notes, *([SEEN] if any(one.seen for one in found) else [])])


def budget(norm: str, eps: float) -> str:
    """Return norm and size of the largest change as text, such as ``linf 8/255``."""
    levels = eps * 255
    size = f"{round(levels)}/255" if abs(levels - round(levels)) < 1e-6 and norm == "linf" else f"{eps:g}"
    return f"{norm} {size}"


def metrics(found: Iterable[Summary]) -> Mapping[str, float]:
    """Return attack success and clean accuracy for loggers, by key."""
    named: dict[str, float] = {}
    for one in found:
        named[f"trials/success/{one.attack}/{one.defence}"] = one.success
        if one.accuracy is not None:
            named[f"trials/accuracy/{one.attack}/{one.defence}"] = one.accuracy
    return named


def _percent(value: float | None, within: tuple[float, float] | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1%}" + (f" ({100 * within[0]:.1f}-{100 * within[1]:.1f})" if within else "")


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"{text} is outside [0, 1]")
    return value
