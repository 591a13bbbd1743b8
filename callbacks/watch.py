"""Callback that shows the progress of a certify run and logs it while it runs."""

import sys
import time
from collections.abc import Callable
from threading import Event, RLock, Thread
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from reporting.tally import Tally

BAR_SECONDS = 0.2
"""Smallest time between two states of the bar, in seconds."""

LINE_SECONDS = 10.0
"""Smallest time between two lines where there is no terminal, in seconds."""

LOG_SECONDS = 5.0
"""Smallest time between two logged states, in seconds."""


class Watch(Callback):
    """Callback that shows finished work of all ranks and logs it, on one rank.

    A terminal gets one bar for all ranks, other output gets plain lines. A thread shows the work of the other ranks
    while this rank is busy or waits for them.

    Args:
        tally: Finished rows and draws.
        examples: Returns the number of requested examples.
        shown: Whether progress is printed.
        log: Logs the tally with the number of examples per second. It is first called after the first row.
        clock: Current time in seconds.
    """

    def __init__(
        self,
        tally: Tally,
        examples: Callable[[], int],
        shown: bool,
        log: Callable[[Tally, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._examples = examples
        self._shown = shown
        self._log = log
        self._clock = clock
        self._bar: Progress | None = None
        self._running = False
        self._said = ""
        self._lock = RLock()
        self._ended = Event()
        self._thread: Thread | None = None

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count what is finished already, and start the clock."""
        self.stop()
        if not trainer.is_global_zero:
            return
        self._tally.update()
        missing = getattr(trainer.datamodule, "missing", None)  # type: ignore[attr-defined]  # set by Lightning
        self._draws = missing is not None
        self._before = self._finished
        self._total = self._before + len(missing) if missing is not None else self._examples()
        self._started = self._clock()
        self._shown_at, self._logged_at = self._started, float("-inf")
        self._running = self._total > self._before
        if self._shown and self._running and sys.stdout.isatty():
            self._bar = Progress(BarColumn(), TextColumn("{task.description}"), console=Console(), transient=False)
            self._task = self._bar.add_task(self.line(), total=self._total, completed=self._finished)
            self._bar.start()
        if self._running:
            self._ended.clear()
            self._thread = Thread(target=self._follow, daemon=True)
            self._thread.start()

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Show and log the state, unless that was done just before."""
        if self._running:
            self._look(opens=True)

    def stop(self) -> None:
        """Show the last state. Call it when all ranks have finished."""
        self._end_thread()
        if self._running:
            self._running = False
            self._tally.update()
            self._print()
            if not self._draws and self._tally.examples > self._before:
                self._log(self._tally, self.rate)
        self.close()

    def close(self) -> None:
        """End thread and bar. Call it after an error too."""
        self._running = False
        self._end_thread()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _end_thread(self) -> None:
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def _follow(self) -> None:
        while not self._ended.wait(BAR_SECONDS):
            # wandb is opened by the main thread.
            self._look(opens=False)

    def _look(self, opens: bool) -> None:
        """Show and log the state, unless that was done just before.

        Args:
            opens: Whether the first state may be logged, which opens the loggers.
        """
        with self._lock:
            now = self._clock()
            show = now - self._shown_at >= (BAR_SECONDS if self._bar else LINE_SECONDS)
            log = (
                not self._draws and now - self._logged_at >= LOG_SECONDS and (opens or self._logged_at > float("-inf"))
            )
            if show or log:
                self._tally.update()
            if show:
                self._shown_at = now
                self._print()
            if log and self._tally.examples:
                self._logged_at = now
                self._log(self._tally, self.rate)

    def line(self) -> str:
        """Return the state as one line: finished work, certified accuracy so far, rate and time left."""
        kind = "models" if self._draws else "examples"
        parts = [f"{self._finished:,} of {self._total:,} {kind}"]
        if not self._draws:
            best = self._tally.accuracy()
            certified = ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in list(best.items())[:2])
            more = ", ..." if len(best) > 2 else ""
            parts += [f"certified at {self._tally.radius:g}: {certified}{more}"] if certified else []
        if rate := self.rate:
            left = round((self._total - self._finished) / rate)
            parts.append(f"{rate:.3g}/s, {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left")
        return "; ".join(parts)

    @property
    def rate(self) -> float:
        """Number of examples or models per second, of all ranks."""
        spent = self._clock() - self._started
        return (self._finished - self._before) / spent if spent > 0 else 0.0

    @property
    def _finished(self) -> int:
        return self._tally.draws if self._draws else self._tally.examples

    def _print(self) -> None:
        if not self._shown:
            return
        line = self.line()
        if self._bar is not None:
            self._bar.update(self._task, completed=self._finished, description=line)
        elif line != self._said:
            self._said = line
            print(line, flush=True)
