"""How certifying work is spread over the cores of one process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor


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


def spread(work: Callable[[slice], None], rows: int, step: int, device: torch.device) -> None:
    """Do ``work`` on slices of ``step`` rows: one core each on a CPU, in turn on any other device; see `for_each`.

    An accelerator runs its work in turn by itself, and a single slice needs no other thread.

    Args:
        work: What to do; it writes its results where no other slice does.
        rows: Number of rows.
        step: Rows at a time, at least 1.
        device: What the work is done on.
    """
    if device.type == "cpu" and rows > step:
        for_each(work, rows, step)
        return
    with one_thread():
        for start in range(0, rows, step):
            work(slice(start, start + step))


def batchwise(work: Callable[[Tensor], Tensor], batches: Sequence[Tensor]) -> Tensor:
    """What ``work`` makes of some batches, which are spread over the cores, put together; see `spread`.

    Args:
        work: From a batch ``(size, ...)`` to as many rows; gradients are tracked where they are outside.
        batches: At least one.

    Returns:
        The rows of all batches, in their order.
    """
    done: dict[int, Tensor] = {}
    tracked = torch.is_grad_enabled()

    def one(number: slice) -> None:
        # Whether gradients are wanted is a thread's own.
        with torch.set_grad_enabled(tracked):
            done[number.start] = work(batches[number.start])

    spread(one, len(batches), 1, batches[0].device)
    return torch.cat([done[number] for number in range(len(batches))])


def _single_threaded(workers: int) -> ThreadPoolExecutor:
    # OpenMP's setting is a thread's own: new threads start with the machine's.
    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
