import pytest
from torch import arange
from torch.utils.data import DataLoader, TensorDataset

from smoothing.certificates.ranks import RankShare

DATASET = TensorDataset(arange(20))


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
@pytest.mark.parametrize("remaining", [[], [5], [19, 0, 3], list(range(20))])
def test_shares_cover_what_remains_once(ranks: int, remaining: list[int]) -> None:
    shares = [list(RankShare(DATASET, remaining, rank, ranks)) for rank in range(ranks)]
    assert sorted(position for share in shares for position in share) == sorted(remaining)


def test_length_is_that_of_the_share() -> None:
    assert [len(RankShare(DATASET, [4, 8, 6], rank, 5)) for rank in range(5)] == [1, 1, 1, 0, 0]


def test_a_loader_reads_the_share_in_order() -> None:
    loader = DataLoader(DATASET, batch_size=2, sampler=RankShare(DATASET, [9, 1, 4, 0, 7], rank=0, ranks=2))
    assert [batch[0].tolist() for batch in loader] == [[9, 4], [7]]


def test_some_positions_are_shared_together() -> None:
    shares = [list(RankShare(DATASET, range(3, 11), rank, 2, together=3)) for rank in range(2)]
    assert shares == [[3, 4, 5, 9, 10], [6, 7, 8]]
