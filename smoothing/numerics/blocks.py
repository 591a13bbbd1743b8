"""Blocks of draws. Every block has its own random key."""

from collections.abc import Iterator


def blocks(first: int, draws: int, size: int) -> Iterator[tuple[int, slice]]:
    """Yield the blocks that contain a range of draws.

    Blocks are always drawn completely, so that a draw is a function of its number and does not depend on the range.

    Args:
        first: Number of the first draw, at least 0.
        draws: Number of draws, at least 1.
        size: Number of draws per block, at least 1.

    Yields:
        Number of the block, and slice of the requested draws in it.
    """
    end = first + draws
    for block in range(first // size, -(-end // size)):
        start = block * size
        yield block, slice(max(first - start, 0), min(end - start, size))
