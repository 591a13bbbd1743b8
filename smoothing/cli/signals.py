"""End a process on a signal, or when its parent has ended, with at most one line.

Finished work is on disk as soon as it is computed, and files are replaced as a whole: a process may end at any moment.
"""

import atexit
import gc
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from smoothing.cli.ranks import claim_end

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Signals that stop a run. Its exit status is 128 plus the number of the signal."""

POLL = 0.2
"""Seconds between two checks of the parent process."""


def _nothing_yet() -> str:
    return "stopped; nothing was written"


state: Callable[[], str] = _nothing_yet
"""Returns the state of the run as one line, which a stopped process prints. Commands replace it."""


def end_on_signals() -> None:
    """End this process on SIGINT and SIGTERM, and end it with its parent if it is one of several ranks.

    A thread waits for the signals. Python runs signal handlers in the main thread between two of its instructions, and
    that thread may wait for another rank for half an hour.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for number in STOPPING:
        # Ignored signals stay ignored: a shell ignores SIGINT for commands in the background.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _nothing)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_forget)
    threading.Thread(target=_wait, args=(reading,), daemon=True).start()
    if "LOCAL_RANK" in os.environ:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def leave(status: int) -> NoReturn:
    """End this process without waiting for threads, other ranks or loggers."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def finish(status: int) -> NoReturn:
    """End this process as the interpreter does, but do not free its memory, which takes a second or more.

    Threads are joined, functions registered with `atexit` are called, and open files are flushed.
    """
    # As `multiprocessing` ends its processes.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for thing in gc.get_objects():
        if type(thing) in _BUFFERED and not thing.closed:
            # A pipe without a reader, as at the end of the interpreter.
            with suppress(OSError, ValueError):
                thing.flush()
    leave(status)


_BUFFERED = (io.BufferedRandom, io.BufferedWriter, io.TextIOWrapper)


def _nothing(number: int, frame: object) -> None:
    pass


def _forget() -> None:
    # Processes that load data are ended by their parent.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _wait(reading: int) -> None:
    while True:
        number = os.read(reading, 1)[0]
        if number in STOPPING:
            break
    prints, status = claim_end(128 + number)
    try:
        if prints:
            # A progress bar hides the cursor and leaves its line open.
            shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""
            os.write(2, f"{shown}{state()}\n".encode())
    finally:
        leave(status)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    os._exit(1)
