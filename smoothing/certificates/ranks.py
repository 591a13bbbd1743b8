"""Distribution of examples and draws over ranks."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Dataset, DistributedSampler


class RankShare(DistributedSampler[int]):
    """Sampler of one rank's share of some positions.

    Unlike the base class, it does not repeat positions to make the shares equal. A share can be empty.

    Args:
        dataset: The data set of the positions.
        remaining: Positions to distribute.
        rank: Number of this rank, from 0.
        ranks: Number of ranks, at least 1.
        together: Number of consecutive positions that a rank gets together, at least 1.
    """

    def __init__(
        self, dataset: Dataset[Any], remaining: Sequence[int], rank: int, ranks: int, together: int = 1
    ) -> None:
        super().__init__(dataset, num_replicas=ranks, rank=rank, shuffle=False)
        starts = range(rank * together, len(remaining), ranks * together)
        self._share = [position for start in starts for position in remaining[start : start + together]]

    def __iter__(self) -> Iterator[int]:
        """Return the positions of this rank, in the order of ``remaining``."""
        return iter(self._share)

    def __len__(self) -> int:
        """Return the number of positions of this rank."""
        return len(self._share)
