"""Partitions of tiny training sets, with learners that are trained on every label vector."""

import numpy as np
import torch
from numpy.typing import NDArray

from smoothing.measures import UnchangedLabels
from smoothing.testing import retaught
from smoothing.votes import Ballots, ByPosition, Partitions, PartLearner


def election(
    learner: PartLearner, num_classes: int, n: int, parts: int, spread: int, seed: int, unanimous: bool = False
) -> tuple[Ballots, NDArray[np.float64]]:
    """Return ballots of a fitted partition, and the predictions of its learners for every label vector."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(num_classes, (n,), generator=generator)
    if unanimous:
        y[:] = num_classes - 1
    y[torch.randperm(n, generator=generator)[:num_classes]] = torch.arange(num_classes)
    centres = torch.randn(num_classes, 3, generator=generator)
    x = centres[y] + 0.8 * torch.randn(n, 3, generator=generator)
    votes = Partitions(learner, parts, spread, ByPosition(), seed=seed)
    votes.fit(x, y, num_classes)
    requested = torch.cat([centres, 2 * torch.randn(7, 3, generator=generator)])
    ballots = Ballots(UnchangedLabels(num_classes), votes, requested, torch.arange(len(requested)), 0)
    return ballots, retaught(votes, x, requested)
