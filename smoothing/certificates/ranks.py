"""Who certifies which example."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Dataset, DistributedSampler


class RankShare(DistributedSampler[int]):
    """One rank's share of the examples that are still to be certified.

    Unlike its parent, it repeats nothing to even the shares out, and a share may be empty.

    Args:
        dataset: The data set that the positions belong to.
        remaining: Positions still to certify.
        rank: Number of this rank, from 0.
        ranks: Number of ranks, at least 1.
    """

    def __init__(self, dataset: Dataset[Any], remaining: Sequence[int], rank: int, ranks: int) -> None:
        super().__init__(dataset, num_replicas=ranks, rank=rank, shuffle=False)
        self._share = remaining[rank::ranks]

    def __iter__(self) -> Iterator[int]:
        """Positions of this rank, in the order of ``remaining``."""
        return iter(self._share)

    def __len__(self) -> int:
        """Number of examples of this rank."""
        return len(self._share)
