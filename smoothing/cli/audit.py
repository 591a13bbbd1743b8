"""Audit of certification logs against their stated parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reporting.comparison import Comparable, Run
from reporting.text_table import TextTable

if TYPE_CHECKING:
    from smoothing.certificates.audit import Finding

LISTED = 20
"""Largest number of impossible radii and of missing indices that are listed for one log."""

TEST_SETS = (10_000, 50_000)
"""Sizes of the test sets of published logs: MNIST and CIFAR-10, and the validation set of ImageNet."""

EXPLANATION = (
    "A radius is impossible if no count of n votes gives it: sigma times the normal quantile of the one-sided "
    "Clopper-Pearson bound at alpha. Rounding in print is allowed for. Windows are the ranges of alpha that explain as "
    "many radii as possible; the table shows the window that contains the simplest number."
)

NOT_AUDITED = "Only logs are audited. Run directories contain their counts."

_MARKED = re.compile(r"(?:certify|sigma)[_=-]?(\d+(?:\.\d+)?)", re.IGNORECASE)
_DECIMAL = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Stated:
    """Stated parameters of logs.

    Attributes:
        alpha: Failure probability of each certificate.
        n: Number of draws that bound the vote.
        sigma: Standard deviation of the noise in all logs. By default it is read from each file name.
    """

    alpha: float
    n: int
    sigma: float | None = None


def audit_logs(paths: Mapping[str, Path], runs: Mapping[str, Comparable], stated: Stated) -> TextTable:
    """Audit every log among some runs. Run directories contain their counts and are skipped.

    Args:
        paths: Paths of the runs, by name.
        runs: The runs, by name.
        stated: Stated parameters of the logs.

    Raises:
        ValueError: If there is no log, its sigma is unknown, or a stated parameter is out of range.
    """
    # The statistics of SciPy take most of a second to import, and other comparisons do not need them.
    from smoothing.certificates.audit import audit

    logs = {name: run.table for name, run in runs.items() if isinstance(run, Run) and paths[name].is_file()}
    if not logs:
        raise ValueError("audit: no TSV log among the runs; must be at least one")
    findings = {
        name: audit(table["radius"], stated.alpha, read_sigma(paths[name], stated.sigma), stated.n)
        for name, table in logs.items()
    }
    columns = {
        "log": False,
        **dict.fromkeys(("sigma", "n", "alpha stated", "radii", "impossible", "alpha that fits"), True),
        **dict.fromkeys(("window from", "to", "windows"), True),
    }
    notes = [EXPLANATION, *(f"{name}: {_verdict(finding)}" for name, finding in findings.items())]
    indices = {name: table["index"].tolist() for name, table in logs.items()}
    notes += [f"{name}: {gap}" for name, found in all_gaps(indices).items() for gap in found]
    if len(logs) < len(runs):
        notes.append(NOT_AUDITED)
    return TextTable("Audit of logs", columns, [[name, *_cells(found)] for name, found in findings.items()], notes)


def read_sigma(path: Path, given: float | None) -> float:
    """Return the sigma of a log. Logs do not state it.

    It is the number after ``certify`` or ``sigma`` in the file name, as in ``noise_0.25/test/sigma_0.50``. Without such
    a number it is the only decimal number in the file name.

    Args:
        path: The log.
        given: Value given by the user, or None.

    Raises:
        ValueError: If no value is given and the file name has none or several, or if the two differ.
    """
    marked = {float(number) for number in _MARKED.findall(path.name)}
    if given is not None:
        if marked and given not in marked:
            raise ValueError(
                f"audit.sigma: {given}; must be {' or '.join(map(str, marked))}, as in the name {path.name}"
            )
        return given
    found = marked or {float(number) for number in _DECIMAL.findall(path.name)}
    if len(found) != 1:
        reason = f"the name {path.name} has {len(found)} candidates"
        raise ValueError(f"audit.sigma: not given; must be, since {reason}")
    return found.pop()


def gaps(name: str, indices: Mapping[str, Sequence[int]]) -> list[str]:
    """Describe the test examples that are missing in one log; see `all_gaps`."""
    return all_gaps(indices)[name]


def all_gaps(indices: Mapping[str, Sequence[int]]) -> dict[str, list[str]]:
    """Describe the test examples that are missing in each log.

    Indices are missing within a log if they fit its stride. A log ends early if another log with the same stride, which
    contains its last index, ends later. Without such a log the sizes `TEST_SETS` are compared.

    Args:
        indices: Indices of the test examples in every log, ascending, by name of the log.

    Returns:
        For every log at most two sentences: one about indices missing within the log, one about an early end.
    """
    strides = {name: stride(rows) for name, rows in indices.items()}
    # Logs with the same indices are compared once: the first of them is named.
    different = {tuple(rows): name for name, rows in reversed(list(indices.items()))}
    order = {name: place for place, name in enumerate(indices)}
    later = sorted(
        ((name, set(rows), rows[-1]) for rows, name in different.items()),
        key=lambda log: (-log[2], order[log[0]]),
    )
    found: dict[str, list[str]] = {}
    for name, own in indices.items():
        step = strides[name]
        found[name] = []
        if step is not None:
            absent = sorted(set(range(own[0] % step, own[-1], step)) - set(own))
            if absent:
                listed = _some(list(map(str, absent)))
                found[name].append(f"{len(absent)} missing where every {_ordinal(step)} index is logged: {listed}.")
        siblings = (
            (other, end)
            for other, rows, end in later
            if end > own[-1] and own[-1] in rows and (step is None or strides[other] == step)
        )
        sibling, end = next(siblings, (None, 0))
        if sibling is not None:
            found[name].append(f"it ends at index {own[-1]} after {len(own)} rows; {sibling} ends at {end}.")
        elif step is not None and (size := next((size for size in TEST_SETS if size > own[-1]), None)):
            last = range(own[0] % step, size, step)[-1]
            if own[-1] < last:
                usual = len(range(own[0] % step, size, step))
                found[name].append(
                    f"it ends at index {own[-1]} after {len(own)} rows; a test set of {size} examples has {usual} at "
                    f"every {_ordinal(step)} index."
                )
    return found


def stride(indices: Sequence[int]) -> int | None:
    """Return the most common difference of successive indices, or None for a single index."""
    differences = np.diff(np.asarray(indices))
    if not len(differences):
        return None
    steps, first, times = np.unique(differences, return_index=True, return_counts=True)
    # Of several most common differences, the first one is taken.
    return int(steps[np.lexsort((first, -times))[0]])


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _some(listed: list[str]) -> str:
    return ", ".join(listed[:LISTED] + ([f"and {len(listed) - LISTED} more"] if len(listed) > LISTED else []))


def _cells(finding: "Finding") -> list[str]:
    value, low, high = finding.best
    return [
        *(f"{number:g}" for number in (finding.sigma, finding.n, finding.alpha)),
        str(finding.rows),
        str(finding.impossible_rows),
        "none" if finding.unexplained else f"{value:g}",
        *(f"{number:.7g}" for number in (low, high)),
        str(len(finding.fits)),
    ]


def _verdict(finding: "Finding") -> str:
    if not finding.impossible:
        return f"all {finding.rows} radii are possible at alpha = {finding.alpha:g}."
    by_rows = sorted(finding.impossible.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{radius:g} ({rows} times)" if rows > 1 else f"{radius:g}" for radius, rows in by_rows]
    value = finding.best[0]
    fit = (
        f"No alpha explains all; {value:g} leaves {finding.unexplained}."
        if finding.unexplained
        else f"All are possible at alpha = {value:g}."
    )
    return (
        f"{finding.impossible_rows} of {finding.rows} radii are impossible at alpha = {finding.alpha:g}: "
        f"{_some(listed)}. {fit}"
    )
