"""Means over reproducible noise, as a smoothed classifier takes them."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.votes.network import logits_of


@dataclass(frozen=True)
class Draws:
    """Reproducible independent draws from a measure for every object of a batch.

    Attributes:
        measure: The smoothing measure.
        number: Number of draws m per object, at least 1.
        key: Key of the draws. Equal keys give equal draws.
    """

    measure: SmoothingMeasure
    number: int
    key: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Randomise a batch.

        Gradients pass to ``x`` as through a sum. They are exact for additive noise, and an estimate otherwise.

        Args:
            x: Objects ``(batch, ...)``.

        Returns:
            ``(m * batch, ...)``: all objects under the first draw, then all under the second, and so on.
        """
        repeated = x.repeat(self.number, *[1] * (x.dim() - 1))
        with torch.no_grad():
            noisy = self.measure.sample_each(repeated, generator(self.key, x.device))
        return noisy + (repeated - repeated.detach()) if x.requires_grad else noisy


def mean_log_probability(logits: Tensor, draws: int) -> Tensor:
    """Return the log of the mean prediction, ``(batch, K)``, of logits ``(draws * batch, K)``."""
    each: Tensor = logits.log_softmax(1).unflatten(0, (draws, -1))
    return each.logsumexp(0) - log(draws)


def smoothed_loss(network: nn.Module, draws: Draws, x: Tensor, labels: Tensor) -> Tensor:
    """Return ``log (1 - p) / p`` of the mean prediction ``p = mean_i F(x + noise_i)_y``, ``(batch,)``.

    It increases with ``-log p`` (Salman et al. 2019, eq. S), so that both have the same direction of ascent. Its
    gradient does not vanish where ``p`` rounds to 1.

    Args:
        network: Maps noisy inputs ``(n, ...)`` to logits ``(n, K)``; see `logits_of`.
        draws: Draws of the noise.
        x: Inputs, ``(batch, ...)``.
        labels: Classes y, ``(batch,)`` int64.
    """
    logits = logits_of(network(draws(x)), type(network).__name__)
    prediction = mean_log_probability(logits, draws.number)
    others = prediction.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - prediction.gather(1, labels[:, None])[:, 0]
