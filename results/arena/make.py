"""Fills README.md in the same folder from finished runs: ``python -m results.arena.make [RUNS]``, in the root.

Tables without finished runs are left unchanged.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reporting.trials import Summary, read_published, summaries
from results.pages import fill, markdown
from smoothing.runs.trials import read_csv

PAGE = Path(__file__).with_name("README.md")

RUNS: Mapping[str, str] = {
    "transfer": "arena_transfer",
    "transfer, more": "arena_transfer_more",
    "transfer, training": "arena_transfer_robust",
    "scratch": "arena_scratch",
}
"""Names of runs by mark in README.md."""

PUBLISHED_NAMES: Mapping[str, str] = {
    "frogs": "Poison Frogs",
    "convex_polytope": "Convex Polytope",
    "bullseye": "Bullseye Polytope",
    "hidden_trigger": "Hidden trigger",
    "label_consistent": "Label-consistent",
    "witches_brew": "Witches' Brew",
    "sleeper_agent": "Sleeper Agent",
}
"""Attacks in the files of published results, by their names in configs."""

SETTINGS: Mapping[str, tuple[str, str]] = {
    "transfer": ("schwarzschild2021.csv", "CIFAR-10 transfer white box"),
    "transfer, more": ("hong2024.csv", "CIFAR-10"),
    "transfer, training": ("hong2024.csv", "CIFAR-10"),
    "scratch": ("hong2024.csv", "CIFAR-10"),
}
"""File and setting of the published results beside each table."""


def percent(within: tuple[float, float] | None) -> str:
    """Return an interval in percent."""
    return "" if within is None else f" ({100 * within[0]:.0f}-{100 * within[1]:.0f} %)"


def cell(one: Summary) -> str:
    """Return successes with their interval, and clean accuracy."""
    assert one.trials is not None
    assert one.accuracy is not None
    return f"{round(one.success * one.trials)} of {one.trials}{percent(one.success_within)}; {one.accuracy:.1%}"


def published(attack: str, file: str, setting: str) -> str:
    """Return published success by defence."""
    found = read_published(PAGE.parent / "published" / file)
    wanted = [one for one in found if (one.attack, one.setting) == (PUBLISHED_NAMES[attack], setting)]
    return ", ".join(f"{one.defence} {one.success:.0%}" for one in wanted) or "-"


def table(found: Sequence[Summary], file: str, setting: str) -> str:
    """Return a table: a row per attack, a column per defence, and published results."""
    attacks, defences = (list(dict.fromkeys(getattr(one, kind) for one in found)) for kind in ("attack", "defence"))
    cells = {(one.attack, one.defence): cell(one) for one in found}
    rows = [
        (attack, *(cells.get((attack, name), "-") for name in defences), published(attack, file, setting))
        for attack in attacks
    ]
    source = "Schwarzschild et al." if file.startswith("schwarzschild") else "Hong et al."
    return markdown(("attack", *defences, source), rows)


def main(runs: Path) -> None:
    """Fill the page."""
    done = {mark: runs / run / "trials.csv" for mark, run in RUNS.items() if (runs / run / "trials.csv").is_file()}
    fill(PAGE, {mark: table(summaries(RUNS[mark], read_csv(path)), *SETTINGS[mark]) for mark, path in done.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
