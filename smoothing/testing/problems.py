"""Small problems whose truth brute force can find."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.linear import LinearVotes


class GivenVotes(LinearVotes):
    """Linear votes whose inputs *are* their weights and offsets: ``(batch, n + K)``, weights first."""

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self.width = len(labels) + self.num_classes

    def weights(self, features: Tensor) -> Tensor:
        """The first n columns of the input."""
        return features[:, : -self.num_classes].clone()

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        """The last K columns of the input."""
        return features[:, -self.num_classes :].clone()


def ballots_of(
    measure: SmoothingMeasure,
    weights: Sequence[Sequence[float]],
    labels: Sequence[int],
    offsets: Sequence[Sequence[float]] | None = None,
    num_classes: int = 2,
    seed: int = 0,
) -> Ballots:
    """Ballots of given linear votes.

    Args:
        measure: The smoothing measure.
        weights: ``(batch, n)`` weights.
        labels: ``(n,)`` training labels; every class must have one.
        offsets: ``(batch, K)`` offsets; zero if not given.
        num_classes: Number of classes K.
        seed: Root seed of all draws.
    """
    w = torch.tensor(weights, dtype=torch.float64)
    b = torch.zeros(len(w), num_classes) if offsets is None else torch.tensor(offsets, dtype=torch.float64)
    votes = GivenVotes()
    votes.fit(torch.zeros(len(labels), 1), torch.tensor(labels), num_classes)
    return Ballots(measure, votes, torch.cat([w, b], 1), torch.arange(len(w)), seed)


def random_ballots(measure: SmoothingMeasure, num_classes: int, n: int, batch: int, seed: int) -> Ballots:
    """Random linear votes.

    Of every four rows one has whole weights, so that ties occur; one weights of any size; one offsets; and in one all
    training points are of one mind, so that radii are large.
    """
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
