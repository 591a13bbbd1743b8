"""Probe of a certify run: the run itself on some of its work, in a directory that is removed afterwards."""

import os
import pickle
import random
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from itertools import cycle
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from pytorch_lightning.strategies import Strategy
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_modules.certifying.certification import Certification
from lightning_modules.certifying.collective_pass import CollectivePass, T
from lightning_modules.certifying.retraining import DrawsToDo
from lightning_modules.certifying.to_do import ExamplesToDo
from lightning_modules.certifying.trainer import Trainer
from reporting.report import report
from smoothing.collective.examples import Whole
from smoothing.measures import SmoothingMeasure
from smoothing.runs.cost import Cost, Pace
from smoothing.runs.progress import Progress
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Draw
from smoothing.votes.network import NOISE_BLOCK

PARTIAL = (64, 192)
"""Numbers of examples on which the collective pass is measured."""

BUDGET = 6.0
"""Seconds of measured work for each kind of work. At least two batches are measured."""

EXCERPT = 1 / 8
"""Fraction of the budget after which the remaining draws of one count are extrapolated."""

WANDB = "WANDB_MODE"

Clock = Callable[[], float]


@dataclass(frozen=True)
class Probed:
    """What a probe has measured.

    Attributes:
        cost: Cost of the remaining run.
        requested: Number of requested examples.
        draws: Number of draws per example; 0 if nothing is sampled or models are retrained.
        memory: Peak memory of this process, in bytes, and what collective certificates hold of all examples.
        device_memory: Peak memory on the accelerator, in bytes; 0 without one.
        shape: Shape of the randomised object; empty if nothing remains.
    """

    cost: Cost
    requested: int
    draws: int
    memory: int
    device_memory: int
    shape: tuple[int, ...]


class Stopwatch:
    """Clock that also counts time which is extrapolated instead of spent.

    Args:
        clock: Current time in seconds.

    Attributes:
        extrapolated: Extrapolated seconds.
        busy: Seconds spent on measured batches.
    """

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self.clock = clock
        self.extrapolated = 0.0
        self.busy = 0.0

    def now(self) -> float:
        """Return the time, with extrapolated time, in seconds."""
        return self.clock() + self.extrapolated


class Watched:
    """Batches of a data loader until a time budget is used up, with the duration of each.

    Args:
        loader: The batches.
        size: Returns the number of pieces of work in a batch.
        watch: The clock.
        budget: The budget in seconds. Two batches are always measured.
        batches: Receives number of pieces and duration of each batch.
    """

    def __init__(
        self,
        loader: DataLoader[Any],
        size: Callable[[Any], int],
        watch: Stopwatch,
        budget: float,
        batches: list[tuple[int, float]],
    ) -> None:
        self._loader = loader
        self._size = size
        self._watch = watch
        self._budget = budget
        self._batches = batches

    def __len__(self) -> int:
        # One more than there are: after the last batch, Lightning then requests another, which ends its measurement.
        return len(self._loader) + 1 if len(self._loader) else 0

    def __iter__(self) -> Iterator[Any]:
        begin, before = self._watch.clock(), self._watch.now()
        for batch in self._loader:
            if len(self._batches) >= 2 and self._watch.clock() - begin >= self._budget:
                break
            yield batch
            now = self._watch.now()
            self._batches.append((self._size(batch), now - before))
            before = now
        self._watch.busy += self._watch.clock() - begin


class Excerpt:
    """Counts votes in some of the requested draws and extrapolates to all of them.

    Chunks of consecutive draws, each twice as large as the one before, are counted until a time budget is used up. The
    remaining draws are assumed to vote alike and to take as long, per draw, as the last chunk.

    Args:
        counts: Counts votes; see `Votes.counts`.
        chunk: Number of draws in the first chunk.
        watch: Receives the extrapolated time.
        budget: The budget in seconds.

    Attributes:
        draws: Number of requested draws, summed over examples.
    """

    def __init__(self, counts: Callable[..., Tensor], chunk: int, watch: Stopwatch, budget: float) -> None:
        self._counts = counts
        self._chunk = chunk
        self._watch = watch
        self._budget = budget
        self.draws = 0

    def __call__(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Return counts ``(batch, num_classes)`` that sum to ``draws``."""
        self.draws += draws * len(x)
        begin, done, chunk, pace = self._watch.clock(), 0, self._chunk, 0.0
        total: Tensor | None = None
        while done < draws and (total is None or self._watch.clock() - begin < self._budget):
            started, taken = self._watch.clock(), min(chunk, draws - done)
            part = self._counts(measure, x, index, taken, seed, first + done)
            total = part if total is None else total + part
            pace = (self._watch.clock() - started) / taken
            done, chunk = done + taken, 2 * chunk
        assert total is not None
        if done < draws:
            self._watch.extrapolated += pace * (draws - done)
            total = total * draws // done
            total[torch.arange(len(total)), total.argmax(1)] += draws - total.sum(1)
        return total


class PartialPass(CollectivePass):
    """Collective pass on some of the examples, for a probe. It stores nothing.

    Attributes:
        searched: Seconds of the searches.
        held: Largest number of bytes that are held of all these examples together.
    """

    def __init__(self, model: Certification, progress: Progress, strategy: Strategy, limit: int, clock: Clock) -> None:
        super().__init__(model, progress, strategy, limit)
        self._clock = clock
        self.searched = 0.0
        self.held = 0

    def _solved(self, name: str, search: Callable[[], Whole]) -> Whole:
        begin = self._clock()
        found = super()._solved(name, search)
        self.searched += self._clock() - begin
        return found

    def _in_order(self, found: dict[int, T]) -> list[T]:
        pieces = super()._in_order(found)
        self.held = max(self.held, len(pickle.dumps(pieces)))
        return pieces

    def _stored(self, name: str, what: str, check: Callable[[Whole], None]) -> Whole | None:
        return None

    def _store(self, name: str, found: Whole) -> None:
        pass


@dataclass(frozen=True)
class Together:
    """What a probe has measured of the collective pass.

    Attributes:
        pace: Measured examples, without the searches.
        search: Extrapolated seconds of the searches.
        memory: Extrapolated bytes that are held of all examples.
    """

    pace: Pace
    search: float
    memory: int

    @classmethod
    def of(cls, make: Callable[[int], PartialPass], m: int, clock: Clock) -> "Together":
        """Measure the pass on two numbers of examples and extrapolate to ``m`` examples, linearly."""
        sizes = sorted({min(size, m) for size in PARTIAL})
        batches: list[tuple[int, float]] = []
        search: list[tuple[int, float]] = []
        done, spent, searched, held = 0, 0.0, 0.0, 0
        for size in sizes:
            begin, some = clock(), make(size)
            some.certificates()
            taken = clock() - begin - some.searched
            batches.append((size - done, max(taken - spent, 0.0)))
            search.append((size - done, max(some.searched - searched, 0.0)))
            done, spent, searched, held = size, taken, some.searched, some.held
        # The search holds its input twice: in pieces, and joined.
        return cls(Pace(m, tuple(batches)), Pace(m, tuple(search)).seconds(), 2 * held * (m - done) // done)


class ProbeProgress(Progress):
    """Progress of a probe: it reads the directory of the run and writes to another one.

    Finished draws and rows stand in for those that are not measured, so that the steps that need all of them run.

    Args:
        there: Directory of the run. It is only read.
        scratch: Directory of the probe.
        config: The resolved config.

    Attributes:
        borrowed: Draws that are missing in the run, in order.
    """

    def __init__(self, there: RunDirectory, scratch: RunDirectory, config: Mapping[str, Any]) -> None:
        super().__init__(scratch, config)
        self.there = there
        self.borrowed: list[Draw] = []

    @property
    def collective_finished(self) -> bool:
        """See `Progress.collective_finished`."""
        return self.there.collective.exists()

    def check(self, requested: Sequence[int], provenance: Mapping[str, Any]) -> None:
        """See `Progress.check`. The order of the remaining examples is random, since costs of neighbours are alike."""
        there = Progress(self.there, self.config)
        there.check(requested, provenance)
        super().check(requested, provenance)
        self.remaining = random.Random(0).sample(there.remaining, len(there.remaining))
        self.draws.update(self.there.finished_draws())

    def read_draws(self) -> None:
        """See `Progress.read_draws`. Copies of finished draws fill in for borrowed ones."""
        super().read_draws()
        donors = cycle(list(self.draws.values()))
        for draw in self.borrowed:
            if draw not in self.draws:
                self.draws[draw] = next(donors)

    def open(self, fitted: Mapping[str, str], write: bool) -> None:
        """See `Progress.open`."""
        self.there.check_fitted(fitted)
        super().open(fitted, write)

    def fill(self) -> None:
        """Complete the table in the directory of the probe with rows of the run and copies of measured rows."""
        if not self.opened:
            super().open({}, write=True)
        known, measured = self.there.finished(), self.directory.finished()
        donors = cycle([*measured.values()] or [*known.values()])
        with self.directory.shard(1) as shard:
            for position in self.requested:
                if position not in measured:
                    example = known.get(position) or [replace(row, index=position) for row in next(donors)]
                    shard.append(example)
        if not self.remaining and self.there.table.exists():
            # Certificates that have been logged are not logged again.
            copyfile(self.there.table, self.directory.table)


class _Probe:
    """Measurements of one probe, and the votes that they are made on."""

    def __init__(self, model: Certification, watch: Stopwatch, budget: float) -> None:
        self.model = model
        self.watch = watch
        self.budget = budget
        self.batches: dict[str, list[tuple[int, float]]] = {}
        self.excerpt: Excerpt | None = None

    def watched(self, kind: str, loader: DataLoader[Any], size: Callable[[Any], int]) -> Watched:
        return Watched(loader, size, self.watch, self.budget, self.batches.setdefault(kind, []))

    def install(self) -> None:
        """Count some draws for all; not earlier than the votes are hashed and fitted."""
        votes = self.model.votes
        chunk = getattr(votes, "noise_batch", NOISE_BLOCK) * torch.get_num_threads()
        self.excerpt = Excerpt(votes.counts, chunk, self.watch, EXCERPT * self.budget)
        votes.counts = self.excerpt  # type: ignore[method-assign]

    def remove(self) -> None:
        self.model.votes.__dict__.pop("counts", None)

    def pace(self, kind: str, remaining: int) -> Pace:
        return Pace(remaining, tuple(self.batches.get(kind, ())))


class _Draws(DrawsToDo):
    def __init__(self, examples: pl.LightningDataModule, progress: ProbeProgress, probe: _Probe) -> None:
        super().__init__(examples, progress)
        self._borrowed, self._probe = progress.borrowed, probe

    def share(self, rank: int, ranks: int) -> Any:
        self._borrowed.extend(self.missing)
        return self._probe.watched("models", super().share(rank, ranks), len)


class _Examples(ExamplesToDo):
    def __init__(self, examples: pl.LightningDataModule, progress: ProbeProgress, probe: _Probe) -> None:
        super().__init__(examples, progress)
        self._probe = probe

    def share(self, rank: int, ranks: int) -> Any:
        if not self._probe.model.votes.kept:
            self._probe.install()
        return self._probe.watched("examples", super().share(rank, ranks), lambda batch: len(batch[0]))


def probe(
    trainer: Trainer,
    model: Certification,
    datamodule: pl.LightningDataModule,
    run_dir: str | Path,
    config: Mapping[str, Any],
    loggers: Sequence[Logger] | None = None,
    start: float = 0.0,
    budget: float = BUDGET,
    clock: Clock = time.perf_counter,
) -> Probed:
    """Measure what the rest of a certify run costs, without writing to its directory.

    `Trainer.finish` carries the run out in a temporary directory: data, checks and fit in full; draws, models and
    examples in part; collective certificates on some examples; the views on a table of full length. Meanwhile wandb is
    offline.

    Args:
        trainer: A trainer of one device.
        model: The module that certifies.
        datamodule: Training set and examples.
        run_dir: Directory of the run. Results that are finished there are not counted.
        config: The resolved config.
        loggers: As for `Trainer.certify`.
        start: Seconds that the process has taken so far.
        budget: Seconds of measured work for each kind of work.
        clock: Current time in seconds.

    Raises:
        ValueError: As `Trainer.certify` does.
    """
    watch, directory = Stopwatch(clock), RunDirectory(run_dir)
    measured = _Probe(model, watch, budget)
    begin = clock()
    times: list[float] = []
    together: list[Together] = []
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()), _offline():
        scratch = RunDirectory(Path(folder, directory.path.name))
        progress = ProbeProgress(directory, scratch, config)

        def views() -> None:
            measured.remove()
            times.append(clock())
            if model.collective_remains:
                m = len(model.data.requested)
                together.append(
                    Together.of(lambda size: PartialPass(model, progress, trainer.strategy, size, clock), m, clock)
                )
            progress.fill()
            times.append(clock())
            report(scratch, model.measure.distance, loggers, config, model.inputs)
            times.append(clock())

        draws, examples = _Draws(datamodule, progress, measured), _Examples(datamodule, progress, measured)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Couldn't infer the batch indices")  # writers here need none
                trainer.finish(model, progress, draws, examples, views)
        finally:
            measured.remove()
        end = clock()
    computed, filled, reported = times
    remaining, data = progress.remaining, model.data
    paces = {"examples": measured.pace("examples", len(remaining))}
    if model.votes.kept:
        paces = {"models": measured.pace("models", len(progress.borrowed)), **paces}
    if together:
        paces["answers"] = together[0].pace
    fixed = computed - begin - watch.busy + end - reported
    pieces = sum(count for count, _ in measured.batches.get("examples", ()))
    example = data.test_set()[data.requested[0]][1][None]
    return Probed(
        Cost(start, fixed, reported - filled, paces, sum(one.search for one in together)),
        requested=len(progress.requested),
        draws=round(measured.excerpt.draws / pieces) if measured.excerpt and pieces else 0,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        + sum(one.memory for one in together),
        device_memory=torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0,
        shape=tuple(model.votes.object_shape(example)) if remaining else (),
    )


@contextmanager
def _offline() -> Iterator[None]:
    """Let wandb send nothing."""
    before = os.environ.get(WANDB)
    if before != "disabled":
        os.environ[WANDB] = "offline"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(WANDB, None)
        else:
            os.environ[WANDB] = before
