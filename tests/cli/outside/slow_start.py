"""Label flips whose run directory takes long to be locked, so that other ranks could be ahead of the first."""

import time

from smoothing.measures import LabelFlip
from smoothing.runs.run_directory import RunDirectory

acquire = RunDirectory.acquire


def acquire_slowly(directory: RunDirectory) -> None:
    acquire(directory)
    time.sleep(3)


RunDirectory.acquire = acquire_slowly  # type: ignore[method-assign]


class SlowStart(LabelFlip):
    pass
