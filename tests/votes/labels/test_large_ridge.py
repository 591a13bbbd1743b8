"""Ridge regression that reads a large training set block by block."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certifiers import ExactVote
from smoothing.measures import LabelFlip
from smoothing.votes import Ballots, Centre, Constant, Normalise, Regularisation, Relative, Ridge, RosenfeldRule
from smoothing.votes.labels import ridge

N, CLASSES = 500, 4


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(N + 30) % CLASSES
    centres = torch.randn(CLASSES, 12, generator=generator)
    return torch.randn(N + 30, 12, generator=generator) + centres[labels], labels


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "LARGE", 1)
    monkeypatch.setattr(ridge, "BLOCK", 12 * 64)
    monkeypatch.setattr(ridge, "BLOCKS_AT_A_TIME", 3)


def fitted(data: tuple[Tensor, Tensor], votes: Ridge, x: object = None) -> Ridge:
    votes.fit(data[0][:N] if x is None else x, data[1][:N], CLASSES)
    return votes


def shares(votes: Ridge, data: tuple[Tensor, Tensor]) -> Tensor:
    weights = votes.scores(data[0][N:]).weights
    return weights / weights.abs().sum(1, keepdim=True)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_weights_and_radii_are_those_of_the_whole(
    data: tuple[Tensor, Tensor], scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data[0] * scale, data[1]
    whole = fitted(data, Ridge(transforms=[Normalise()] if scale == 1 else []))
    monkeypatch.setattr(ridge, "LARGE", 1)
    monkeypatch.setattr(ridge, "BLOCK", 12 * 64)
    blocks = fitted(data, Ridge(transforms=[Normalise()] if scale == 1 else []))
    torch.testing.assert_close(shares(blocks, data), shares(whole, data), rtol=0, atol=2e-8)
    ballots = [Ballots(LabelFlip("0.1", CLASSES), v, data[0][N:], torch.arange(30), 0) for v in (whole, blocks)]
    radii = [ExactVote().certify(b).radius for b in ballots]
    assert np.abs(radii[0] - radii[1]).max() <= 1
    assert radii[0].max() > 20


@pytest.mark.usefixtures("small_blocks")
def test_bits_do_not_depend_on_the_number_of_threads(data: tuple[Tensor, Tensor]) -> None:
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found.append(fitted(data, Ridge()).scores(data[0][N:]).weights)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.usefixtures("small_blocks")
def test_a_memory_map_is_neither_copied_nor_changed(data: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", data[0][:N].numpy())
    before = (tmp_path / "x.npy").read_bytes()
    mapped = fitted(data, Ridge(), np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert torch.equal(mapped.scores(data[0][N:]).weights, fitted(data, Ridge()).scores(data[0][N:]).weights)
    assert (tmp_path / "x.npy").read_bytes() == before


@pytest.mark.usefixtures("small_blocks")
def test_what_needs_the_whole_training_set_gets_it(
    data: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    fit = Ridge._fit

    def spy(votes: Ridge, features: Tensor, labels: Tensor) -> None:
        seen.append(len(features))
        fit(votes, features, labels)

    monkeypatch.setattr(Ridge, "_fit", spy)
    for votes in (Ridge(RosenfeldRule(0.1)), Ridge(transforms=[Centre()]), Ridge(Constant(1.0))):
        fitted(data, votes)
    assert seen == [N, N]


@pytest.mark.usefixtures("small_blocks")
def test_a_singular_system_is_refused(data: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"singular system with lambda = 0\.0; must be regularised more"):
        fitted((torch.ones_like(data[0]), data[1]), Ridge(Constant(0.0)))


@pytest.mark.parametrize("rule", [Relative(1.0), Constant(0.3)], ids=repr)
def test_more_features_than_examples_give_the_same_weights(rule: Regularisation) -> None:
    """The smaller system of the examples has the solution of that of the features."""
    x = torch.randn(9, 30, generator=torch.Generator().manual_seed(0)).double()
    y = torch.arange(9) % 3
    votes = Ridge(rule)
    votes.fit(x, y, 3)
    lam = 0.3 if isinstance(rule, Constant) else float(x.square().sum() / 30)
    expected = x @ torch.linalg.inv(x.T @ x + lam * torch.eye(30, dtype=torch.float64)) @ x.T
    assert votes.ridge == pytest.approx(lam)
    torch.testing.assert_close(votes.weights(x), expected.T, rtol=0, atol=1e-6)


def test_more_features_than_examples_are_singular_without_lambda() -> None:
    x = torch.randn(9, 30, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="singular system with lambda = 0"):
        Ridge(Constant(0.0)).fit(x, torch.arange(9) % 3, 3)
