"""What a smoothed classifier expects: means over noise that can be drawn again."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import generator


@dataclass(frozen=True)
class Draws:
    """Independent draws from a measure for every object of a batch: the same ones whenever and wherever asked.

    Attributes:
        measure: The smoothing measure.
        number: Draws m for each object, at least 1.
        key: What the draws are a function of.
    """

    measure: SmoothingMeasure
    number: int
    key: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Randomise a batch.

        Gradients pass through to ``x`` as through a sum, which is exact where noise is added and an estimate elsewhere.

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
    """Logarithm of the mean prediction under noise, ``(batch, K)``, of logits ``(draws * batch, K)``."""
    each: Tensor = logits.log_softmax(1).unflatten(0, (draws, -1))
    return each.logsumexp(0) - log(draws)


def smoothed_loss(network: nn.Module, draws: Draws, x: Tensor, labels: Tensor) -> Tensor:
    """``log (1 - p) / p`` for the mean prediction ``p = mean_i F(x + noise_i)_y``, ``(batch,)``.

    It grows with ``-log p`` (Salman et al. 2019, eq. S) and so points the same way, but does not lose its gradient
    where ``p`` rounds to 1.

    Args:
        network: From noisy inputs to logits ``(n, K)``.
        draws: The noise.
        x: Inputs ``(batch, ...)``.
        labels: ``(batch,)`` int64.
    """
    prediction = mean_log_probability(network(draws(x)), draws.number)
    others = prediction.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - prediction.gather(1, labels[:, None])[:, 0]
