"""Finished rows of all ranks, read while a run computes them."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smoothing.distance import Distance
from smoothing.runs.run_directory import RunDirectory


class Tally:
    """Count of the finished examples and draws in a run directory, of all ranks.

    `update` reads only lines that are new since the last call, so that it is cheap to call often. Rows that the
    directory has read before are not read again.

    Args:
        directory: The run directory.
        distance: Distance of the radii.
        radius: Radius at which certified examples are counted, at least 0.

    Attributes:
        examples: Number of finished examples.
        draws: Number of finished draws.
        certified: Number of examples that are correct and certified at the radius, by certifier.
    """

    def __init__(self, directory: RunDirectory, distance: Distance, radius: float) -> None:
        self.radius = radius
        self.examples = 0
        self.draws = 0
        self.certified: Counter[str] = Counter()
        self._covering = distance.covering(radius)
        self._directory = directory
        self._read: dict[Path, int] = {}

    def update(self) -> None:
        """Count the lines that are new. Damaged lines are left to the run itself, which refuses them."""
        if not self._read and (known := self._directory.known) is not None:
            self.examples = len(known)
            self.certified = known.certified(self._covering)
            self._read = dict(known.bytes_read)
        for line in self._new_lines(self._directory.shards):
            try:
                rows: list[dict[str, Any]] = json.loads(line)["rows"]
            except (ValueError, KeyError, TypeError):
                continue
            self.examples += 1
            for row in rows:
                self.certified[row["certifier"]] += bool(row["correct"]) and float(row["radius"]) >= self._covering
        self.draws += sum(1 for _ in self._new_lines(self._directory.draws))

    def accuracy(self) -> dict[str, float]:
        """Return the fraction of finished examples that are correct and certified at the radius, by certifier."""
        return {certifier: count / self.examples for certifier, count in self.certified.items()}

    def _new_lines(self, folder: Path) -> Iterator[bytes]:
        for path in sorted(folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                for line in file:
                    # A line without an end is still being written.
                    if not line.endswith(b"\n"):
                        break
                    self._read[path] = self._read.get(path, 0) + len(line)
                    yield line
