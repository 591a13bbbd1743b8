"""Draws come in blocks, each from a key of its own."""

from collections.abc import Iterator


def blocks(first: int, draws: int, size: int) -> Iterator[tuple[int, slice]]:
    """The blocks that hold some consecutive draws.

    A block is always drawn whole, so that a draw is a function of its number, whatever other draws are asked for.

    Args:
        first: Number of the first draw, at least 0.
        draws: Number of draws, at least 1.
        size: Draws in a block, at least 1.

    Yields:
        The number of each block, and which of its draws are asked for.
    """
    end = first + draws
    for block in range(first // size, -(-end // size)):
        start = block * size
        yield block, slice(max(first - start, 0), min(end - start, size))
