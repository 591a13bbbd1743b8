"""A head under label noise is a function of the randomised labels, and of nothing else of the labels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.measures import LabelFlip
from smoothing.votes import LogisticHead


class Shown(LabelFlip):
    """Shows the same labels whatever they were, so that nothing of them can be left in a vote."""

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


def test_no_draw_starts_from_what_the_labels_taught() -> None:
    """A warm start is the labels under attack beside their noise: no certificate covers it (THEORY.md section 6)."""
    for iterations in (1, 3):
        one, other = (votes(labels, iterations) for labels in ([0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 0]))
        torch.testing.assert_close(one, other, rtol=0, atol=0)
