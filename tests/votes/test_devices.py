"""Bits that must be the same on every device. ``SMOOTHING_TEST_DEVICE=cuda`` runs these tests on an accelerator."""

import os
from copy import copy

import pytest
import torch
from torch import Tensor, nn

from smoothing.measures import Gaussian, SharedSplitting
from smoothing.numerics.exact_product import ExactProduct
from smoothing.votes import NetworkVotes, Ridge


@pytest.fixture
def device() -> torch.device:
    return torch.device(os.environ.get("SMOOTHING_TEST_DEVICE", "cpu"))


def images() -> Tensor:
    levels = torch.randint(5, (3, 2, 8, 8), generator=torch.Generator().manual_seed(0))
    return levels / 4


class WholeNumbers(nn.Module):
    """Logits without rounding: versions are quarters or eighths, and weights whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(128, 3)
        source = torch.Generator().manual_seed(1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.randint(-4, 5, (3, 128), generator=source))
            self.layer.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer((x - 0.5).flatten(1))


def test_a_census_counts_the_same_votes(device: torch.device) -> None:
    measure, index = SharedSplitting(40, 5), torch.arange(3)
    votes = NetworkVotes(WholeNumbers(), 3)
    counts = votes.census(measure, images(), index)
    assert (counts.amax(1) < measure.versions).any()
    assert torch.equal(NetworkVotes(WholeNumbers(), 3).census(measure, images().to(device), index), counts)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_draws_are_the_same_in_any_batch_and_after_a_resumption(precision: str, device: torch.device) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 3))
    votes, x, index = NetworkVotes(network, 3, 256, precision), images().to(device), torch.arange(3)  # type: ignore[arg-type]
    whole = votes.counts(Gaussian(0.5), x, index, 1000, (0, 1))
    alone = [votes.counts(Gaussian(0.5), x[i : i + 1], index[i : i + 1], 1000, (0, 1)) for i in range(3)]
    assert torch.equal(torch.cat(alone), whole)
    first = votes.counts(Gaussian(0.5), x, index, 300, (0, 1))
    assert torch.equal(first + votes.counts(Gaussian(0.5), x, index, 700, (0, 1), 300), whole)


def test_exact_products_have_the_same_bits(device: torch.device) -> None:
    source = torch.Generator().manual_seed(2)
    rows, x = (torch.randn(count, 50, generator=source, dtype=torch.float64) for count in (3000, 20))
    here, there = ExactProduct(rows.clone()), ExactProduct(rows.to(device))
    assert torch.equal(there.rows.cpu(), here.rows)
    assert torch.equal(there(x.to(device)).cpu(), here(x))


def test_scores_of_one_fit_have_the_same_bits(device: torch.device) -> None:
    source = torch.Generator().manual_seed(3)
    x, labels = torch.randn(400, 10, generator=source), torch.arange(400) % 4
    votes = Ridge()
    votes.fit(x, labels, 4)
    there = copy(votes)
    there.labels, there._product = votes.labels.to(device), copy(votes._product)
    there._product.rows = votes._product.rows.to(device)
    there._product.column_scale = votes._product.column_scale.to(device)
    here, other = votes.scores(x[:30]), there.scores(x[:30].to(device))
    for name in ("weights", "offsets", "class_sums"):
        assert torch.equal(getattr(other, name).cpu(), getattr(here, name))
