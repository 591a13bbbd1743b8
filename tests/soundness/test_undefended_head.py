"""A head under label noise depends on the labels only through the randomised labels."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.attacks import HeadAttack, InfluenceAttack, NearestAttack
from smoothing.measures import LabelFlip
from smoothing.votes import Ballots, LogisticHead


class Shown(LabelFlip):
    """Returns fixed labels, so that votes cannot depend on the original ones."""

    def __init__(self, shown: Tensor) -> None:
        super().__init__("0.1", 2)
        self.shown = shown

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return self.shown.clone()


def votes(labels: Sequence[int], iterations: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    x, tests = torch.randn(len(labels), 3, generator=generator), torch.randn(200, 3, generator=generator)
    head = LogisticHead(1e-3, iterations=iterations)
    head.fit(x, torch.tensor(labels), 2)
    shown = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
    return head.counts(Shown(shown), tests, torch.arange(len(tests)), 1, (0,))


def test_no_draw_starts_from_the_fitted_weights() -> None:
    """A warm start depends on the labels without noise, which no certificate covers (THEORY.md section 6)."""
    for iterations in (1, 3):
        one, other = (votes(labels, iterations) for labels in ([0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 0]))
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("attack", [NearestAttack(), InfluenceAttack()])
def test_an_attack_that_never_succeeds_gives_no_upper_bound(attack: HeadAttack) -> None:
    """An input on the other side of the origin is not predicted as the rival even if all labels are the rival."""
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0)) * 0.3 + torch.tensor([5.0, 0.0])
    labels = (torch.arange(30) % 3 == 0).long()
    head = LogisticHead(0.1)
    head.fit(x, labels, 2)
    opposite = torch.tensor([[-50.0, 0.0]])
    found = attack.attack(Ballots(LabelFlip("0.1", 2), head, opposite, torch.arange(1), 0))
    assert found.prediction.tolist() == [1]
    turned = head.retrained(np.zeros(30, np.int64), np.zeros_like(head.weights))
    assert (head.features_of(opposite) @ turned.T).argmax() == 1
    assert found.upper_bound.tolist() == [30.0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e200])
def test_invalid_features_are_refused(value: float) -> None:
    x, labels = torch.randn(6, 2, dtype=torch.float64), torch.arange(6) % 2
    head = LogisticHead()
    head.fit(x, labels, 2)
    bad = torch.full((1, 2), value, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"^features of the inputs to predict: "):
        head.features_of(bad)
    with pytest.raises(ValueError, match=r"^features of the training set: "):
        LogisticHead().fit(torch.cat([x[1:], bad]), labels, 2)
