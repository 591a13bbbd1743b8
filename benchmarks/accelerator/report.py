"""Results of stages: one JSON line per measurement, and a Markdown page of all of them."""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

LINES = "accelerator.jsonl"
PAGE = "accelerator.md"

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SMALL = DEVICE.type == "cpu"
"""Whether stages run at their smallest size, as a test."""


class Report:
    """Measurements of one stage.

    Args:
        out: Folder of the results.
        stage: Name of the stage.
        seconds: Time limit of the stage.
    """

    def __init__(self, out: Path, stage: str, seconds: float) -> None:
        self._out = out
        self._stage = stage
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left to the stage."""
        return self._end - time.monotonic()

    def add(self, **values: Any) -> None:
        """Save and print one measurement. Measurements with the same columns form a table."""
        line = {"stage": self._stage, **values}
        with (self._out / LINES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(" | ".join(f"{name}: {shown(value)}" for name, value in line.items()), flush=True)

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Report an error of one measurement, so that the next one still runs."""
        try:
            yield
        except Exception as error:
            reason = str(error).strip().partition("\n")[0][:300]
            self.add(failed=what, error=f"{type(error).__name__}: {reason}")


def arguments(stage: str) -> tuple[Report, Path, Path]:
    """Read the command line of a stage.

    Returns:
        Report, folder of the results, folder of the data.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    return Report(given.out, stage, given.seconds), given.out, given.data


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the shortest time of several repetitions, until the device has finished."""
    best = float("inf")
    for _ in range(repeats):
        finish()
        start = time.perf_counter()
        work()
        finish()
        best = min(best, time.perf_counter() - start)
    return best


def finish() -> None:
    """Wait until the device has finished its work."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def shown(value: Any) -> str:
    """Return a value as text, numbers with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_page(out: Path, head: str) -> None:
    """Write the Markdown page of all measurements so far."""
    path = out / LINES
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    page = [head]
    for stage, of_stage in groupby(lines, lambda line: line.pop("stage")):
        page.append(f"\n## {stage}\n")
        for columns, rows in groupby(of_stage, lambda line: tuple(line)):
            page.append(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
            page += [f"| {' | '.join(shown(v).replace('|', chr(92) + '|') for v in row.values())} |" for row in rows]
            page.append("")
    made = out / f".{PAGE}"
    made.write_text("\n".join(page), encoding="utf-8")
    made.replace(out / PAGE)
