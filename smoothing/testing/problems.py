"""Small problems that can be solved by brute force."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from smoothing.measures import LabelFlip
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import LinearVotes


class GivenVotes(LinearVotes):
    """Linear votes with given weights and offsets: inputs are ``(batch, n + K)``, weights first."""

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self.width = len(labels) + self.num_classes

    def weights(self, features: Tensor) -> Tensor:
        """Return the first n columns of the input."""
        return features[:, : -self.num_classes].clone()

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        """Return the last K columns of the input."""
        return features[:, -self.num_classes :].clone()


def ballots_of(
    measure: SmoothingMeasure,
    weights: Sequence[Sequence[float]],
    labels: Sequence[int],
    offsets: Sequence[Sequence[float]] | None = None,
    num_classes: int = 2,
    seed: int = 0,
) -> Ballots:
    """Return ballots of linear votes with given weights.

    Args:
        measure: The smoothing measure.
        weights: ``(batch, n)`` weights.
        labels: ``(n,)`` training labels. Every class must occur.
        offsets: ``(batch, K)`` offsets. Default: 0.
        num_classes: Number of classes K.
        seed: Root seed of all draws.

    Raises:
        ValueError: If the shapes do not fit together, a class has no label, or a number is not finite.
    """
    w = torch.tensor(weights, dtype=torch.float64)
    b = torch.zeros(len(w), num_classes) if offsets is None else torch.tensor(offsets, dtype=torch.float64)
    if w.shape != (len(w), len(labels)) or b.shape != (len(w), num_classes):
        raise ValueError(
            f"ballots_of: weights of shape {tuple(w.shape)} and offsets of shape {tuple(b.shape)}; must be "
            f"(batch, {len(labels)}) and (batch, {num_classes})"
        )
    votes = GivenVotes()
    votes.fit(torch.zeros(len(labels), 1), torch.tensor(labels), num_classes)
    return Ballots(measure, votes, torch.cat([w, b], 1), torch.arange(len(w)), seed)


def random_ballots(measure: SmoothingMeasure, num_classes: int, n: int, batch: int, seed: int) -> Ballots:
    """Return ballots of random linear votes.

    Of every four rows, one has whole weights, so that ties occur, one has weights of any size, one has offsets, and one
    has weights that all favour the same class, so that radii are large.

    Args:
        measure: The smoothing measure.
        num_classes: Number of classes K, at least 2.
        n: Number of training labels, at least K.
        batch: Number of rows, at least 1.
        seed: Root seed of all draws, and seed of the weights and labels; at least 0.

    Raises:
        ValueError: If a number is out of its range.
    """
    given: list[tuple[str, Any, int]] = [("num_classes", num_classes, 2), ("n", n, num_classes), ("batch", batch, 1)]
    for name, value, least in given:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"random_ballots: {name} = {value}; must be a whole number, at least {least}")
    rng = np.random.default_rng([seed, n, num_classes])
    frequent = rng.integers(num_classes)
    labels = np.where(rng.random(n) < 0.8, frequent, rng.integers(num_classes, size=n))
    labels[rng.permutation(n)[:num_classes]] = np.arange(num_classes)  # every class has an example
    weights = rng.normal(1, 1, (batch, n)) * rng.choice([0.2, 1, 5], (batch, n))
    offsets = np.zeros((batch, num_classes))
    weights[0::4] = rng.integers(-1, 4, weights[0::4].shape)
    offsets[2::4] = rng.normal(size=offsets[2::4].shape) * np.abs(weights[2::4]).mean(1, keepdims=True)
    weights[3::4] = np.where(labels == frequent, 1, -1) * rng.uniform(0.9, 1.1, weights[3::4].shape)
    return ballots_of(measure, weights.tolist(), labels.tolist(), offsets.tolist(), num_classes, seed)


def tied_ballots(q: str) -> list[Ballots]:
    """Return ballots of linear votes in which the best attack reaches a tie, for two and three classes.

    The class with the smaller number wins a tie. The last class therefore loses at the tie, class 0 one flip later.

    Args:
        q: Probability that a label changes.
    """
    weights = [[1.0] * 10, [2.0] * 10, [1.0, 1.0, *[2.0] * 4, 1.0, 1.0, 0.0, 0.0]]
    made = []
    for num_classes in (2, 3):
        for winner in (0, num_classes - 1):
            others = [c for c in range(num_classes) if c != winner]
            labels = [winner] * 8 + (others * 2)[:2]
            made.append(ballots_of(LabelFlip(q, num_classes), weights, labels, num_classes=num_classes))
    return made
