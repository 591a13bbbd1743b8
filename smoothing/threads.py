"""How certifying work is spread over the cores of one process."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[int]:
    """Run each operation on one thread, so that sums have one order whatever the machine; yields the threads spared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def for_each(work: Callable[[slice], None], rows: int, step: int) -> None:
    """Do ``work`` on slices of ``step`` rows, one core each.

    Cores that work on rows of their own never wait for each other, as they would within one operation; on a busy
    machine that wait costs more than the work.

    Args:
        work: What to do; it writes its results where no other slice does.
        rows: Number of rows.
        step: Rows at a time, at least 1.
    """
    slices: Iterable[slice] = (slice(start, start + step) for start in range(0, rows, step))
    with one_thread() as threads, _single_threaded(threads) as pool:
        for done in pool.map(work, slices):
            del done


def in_turn(work: Callable[[slice], None], rows: int, step: int) -> None:
    """Do ``work`` on slices of ``step`` rows, one after the other; see `for_each`."""
    with one_thread():
        for start in range(0, rows, step):
            work(slice(start, start + step))


def _single_threaded(workers: int) -> ThreadPoolExecutor:
    # OpenMP's setting is a thread's own: new threads start with the machine's.
    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
