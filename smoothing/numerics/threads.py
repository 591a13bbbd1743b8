"""Distribution of work over the cores of one process."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[int]:
    """Run every operation on one thread, so that sums have a fixed order. Yield the previous number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def for_each(work: Callable[[slice], None], rows: int, step: int) -> None:
    """Call ``work`` on slices of ``step`` rows, in parallel, each on one core.

    Threads on separate rows do not wait for each other, unlike threads within one operation. On a busy machine this
    waiting costs more than the work.

    Args:
        work: Function of a slice. Different slices must not write to the same memory.
        rows: Number of rows.
        step: Number of rows per slice, at least 1.
    """
    slices = (slice(start, start + step) for start in range(0, rows, step))
    with one_thread() as threads:
        if threads == 1 or rows <= step:
            for some in slices:
                work(some)
            return
        # Inference mode is a setting of each thread.
        inference = torch.is_inference_mode_enabled()

        def inside(some: slice) -> None:
            with torch.inference_mode(inference):
                work(some)

        with _single_threaded(threads) as pool:
            for done in pool.map(inside, slices):
                del done


def spread(work: Callable[[slice], None], rows: int, step: int, device: torch.device) -> None:
    """Call ``work`` on slices of ``step`` rows, in parallel on a CPU and sequentially on other devices; see `for_each`.

    Accelerators serialise their work anyway, and a single slice needs no additional thread.

    Args:
        work: Function of a slice. Different slices must not write to the same memory.
        rows: Number of rows.
        step: Number of rows per slice, at least 1.
        device: Device of the work.
    """
    if device.type == "cpu" and rows > step:
        for_each(work, rows, step)
        return
    with one_thread():
        for start in range(0, rows, step):
            work(slice(start, start + step))


def batchwise(work: Callable[[Tensor], Tensor], batches: Sequence[Tensor]) -> Tensor:
    """Return the concatenated results of ``work`` on batches, computed in parallel; see `spread`.

    Args:
        work: Function of a batch ``(size, ...)`` that returns as many rows. Gradients are tracked if the caller tracks
            them.
        batches: Batches, at least one.

    Returns:
        Rows of all batches, in order.
    """
    done: dict[int, Tensor] = {}
    tracked = torch.is_grad_enabled()

    def one(number: slice) -> None:
        # Gradient tracking is a setting of each thread.
        with torch.set_grad_enabled(tracked):
            done[number.start] = work(batches[number.start])

    spread(one, len(batches), 1, batches[0].device)
    return torch.cat([done[number] for number in range(len(batches))])


def _single_threaded(workers: int) -> ThreadPoolExecutor:
    # The OpenMP setting is per thread. New threads start with the default of the machine.
    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
