"""Cost of a run, extrapolated from measured batches."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Measured batches of one kind of work.

    Attributes:
        remaining: Number of pieces of work that the run still has to do, at least 0.
        batches: Number of pieces and duration in seconds of each measured batch, in order. Not empty if pieces remain.
    """

    remaining: int
    batches: tuple[tuple[int, float], ...]

    @property
    def rate(self) -> float:
        """Seconds per piece. The first batch is left out if it was slower than the others, since it warms up."""
        if not self.batches:
            return 0.0
        (pieces, seconds), *later = self.batches
        every = sum(count for count, _ in self.batches), sum(duration for _, duration in self.batches)
        if not later:
            return seconds / pieces
        rate = (every[1] - seconds) / (every[0] - pieces)
        return rate if seconds > rate * pieces else every[1] / every[0]

    @property
    def warm_up(self) -> float:
        """Seconds that the first batch took beyond the rate of the others, at least 0."""
        if not self.batches:
            return 0.0
        pieces, seconds = self.batches[0]
        return max(seconds - self.rate * pieces, 0.0)

    def seconds(self, ranks: int = 1) -> float:
        """Return the duration of all remaining pieces, shared by a number of ranks, in seconds."""
        share = -(-self.remaining // ranks)
        return self.warm_up + self.rate * share if share else 0.0


@dataclass(frozen=True)
class Cost:
    """Cost of a run, in seconds.

    Attributes:
        start: Duration from the start of the process until model, data and trainer are built.
        fixed: Duration of reading data, checks, encoding and fitting.
        report: Duration of tables, figures and loggers.
        paces: Measured batches by kind of work.
        search: Duration of the searches of collective certificates and attacks, on one rank.
    """

    start: float
    fixed: float
    report: float
    paces: Mapping[str, Pace]
    search: float = 0.0

    def seconds(self, ranks: int = 1) -> float:
        """Return the wall time on a number of ranks. Ranks share examples and models, and repeat everything else."""
        alone = self.start + self.fixed + self.search + self.report
        return alone + sum(pace.seconds(ranks) for pace in self.paces.values())

    def ranks_within(self, limit: float) -> int | None:
        """Return the smallest number of ranks on which the run ends within a time limit, or None if there is none.

        Args:
            limit: The limit in seconds.
        """
        most = max((pace.remaining for pace in self.paces.values()), default=0) or 1
        ranks = 1 + bisect_left(range(1, most + 1), True, key=lambda number: self.seconds(number) <= limit)
        return ranks if ranks <= most else None
