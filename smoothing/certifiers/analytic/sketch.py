"""Margins seen through few of their terms: enough to find a good tilt."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from smoothing.certifiers.analytic.margin import LARGEST_EXPONENT, Group, row_sums
from smoothing.certifiers.analytic.tilt import minimise, short
from smoothing.votes.labels.linear import Scores

OWN, ANYWHERE = 48, 32
"""Training points in a sketch: with the winner's and with the rival's label each, and with any."""


@dataclass(frozen=True)
class Sketch:
    """Margins seen through some of their terms.

    Attributes:
        terms: ``(rows, m)`` of them.
        times: ``(rows, m)`` how many terms each stands for.
        shift: ``(rows,)`` what is missing in the derivative of ``K``, at 0 and so everywhere.
        start: ``(rows,)`` the tilt of a normal law; 0 where the mean margin is not above 0.
    """

    terms: Group
    times: Tensor
    shift: Tensor
    start: Tensor

    @classmethod
    def of(cls, terms: Group, times: Tensor, slope: Tensor) -> "Sketch":
        """A sketch of margins.

        Args:
            terms: Some of their terms, ``(rows, m)``.
            times: ``(rows, m)`` how many each stands for.
            slope: ``(rows,)`` derivative of ``K`` at 0.
        """
        alone = cls(terms, times, torch.zeros_like(slope), slope)
        seen, curvature = alone._derivatives(torch.zeros_like(slope))
        start = torch.where(slope < 0, -slope / curvature.clamp(min=1e-300), 0)
        return replace(alone, shift=slope - seen, start=start)

    def best_tilt(self) -> Tensor:
        """Nearly the ``t`` that makes the sketched ``K`` least, ``(rows,)``; 0 unless the mean margin is above 0."""
        return short(minimise(self._derivatives, self.start, self._largest_tilt()))

    def log_mgf(self, tilt: Tensor) -> Tensor:
        """What the sketch takes ``K(tilt)`` to be, ``(rows,)``."""
        within = torch.minimum(tilt, self._largest_tilt())
        return row_sums(self.terms.moments(within).log_().mul_(self.times)) + tilt * self.shift

    def _derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        slope, curvature = self.terms.derivatives(tilt)
        return row_sums(slope.mul_(self.times)) + self.shift, row_sums(curvature.mul_(self.times))

    def _largest_tilt(self) -> Tensor:
        return LARGEST_EXPONENT / self.terms.w.abs().amax(1).clamp(min=1)


class Sampler:
    """Draws sketches of a batch's margins, without chance.

    The points that carry the winner's or the rival's label matter most and are few where there are many classes: they
    are sampled by themselves. In each sample, weights are moved and stretched to the mean and the spread of all.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix of the label noise.
    """

    def __init__(self, scores: Scores, channel: Tensor) -> None:
        self._scores = scores
        self._channel = channel
        order = scores.labels.argsort(stable=True)
        self._sizes = torch.bincount(scores.labels, minlength=scores.num_classes)
        within, self._owned = _spread_over(self._sizes[:, None], OWN)
        self._own = order[(self._sizes.cumsum(0) - self._sizes)[:, None] + within]
        anywhere, exists = _spread_over(self._sizes.sum(), ANYWHERE)
        self._anywhere = order[anywhere[exists]]

    def sketch(self, rows: Tensor, first: Tensor, second: Tensor) -> Sketch:
        """Sketch the margins of ``first`` over ``second`` in some rows of the batch, all ``(pairs,)`` int64."""
        up, down = self._channel.T[first], self._channel.T[second]
        offset = self._scores.offsets[rows, first] - self._scores.offsets[rows, second]
        slope = (self._scores.class_sums[rows] * (down - up)).sum(1) - offset
        classes = torch.arange(self._scores.num_classes)
        winners, losers = first[:, None] == classes, second[:, None] == classes
        strata = [
            (self._own[first], self._owned[first], winners),
            (self._own[second], self._owned[second], losers),
            (self._anywhere.expand(len(rows), -1), torch.ones(len(rows), 1), ~(winners | losers)),
        ]
        weights, times = zip(*(self._stratum(rows, *stratum) for stratum in strata), strict=True)
        labels = self._scores.labels[torch.cat([chosen for chosen, _, _ in strata], 1)]
        up, down = up.gather(1, labels), down.gather(1, labels)
        terms = Group(torch.cat(weights, 1), up, down, (1 - up - down).clamp_(min=0))
        return Sketch.of(terms, torch.cat(times, 1), slope)

    def _stratum(self, rows: Tensor, chosen: Tensor, exists: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of chosen training points, and how many points each stands for, both ``(pairs, m)``.

        Args:
            rows: ``(pairs,)`` rows of the batch.
            chosen: ``(pairs, m)`` training points.
            exists: ``(pairs, m)`` whether they are meant; there may be fewer than places for them.
            inside: ``(pairs, K)`` labels that count; points with others stand for none.
        """
        seen = inside.gather(1, self._scores.labels[chosen]) * exists.double()
        columns = self._sizes, self._scores.class_sums[rows], self._scores.class_squares[rows]
        size, total, squares = ((inside * column).sum(1, keepdim=True) for column in columns)
        number, size = seen.sum(1, keepdim=True).clamp(min=1), size.clamp(min=1)
        w = self._scores.weights[rows[:, None], chosen]
        w = w - (seen * w).sum(1, keepdim=True) / number
        spread, seen_spread = (
            squares / size - (total / size).square(),
            (seen * w.square()).sum(1, keepdim=True) / number,
        )
        stretch = torch.where(seen_spread > 0, spread.clamp(min=0) / seen_spread, 1).sqrt()
        return total / size + w * stretch, seen * (size / number)


def _spread_over(size: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """``count`` positions spread evenly over ``0 .. size - 1``, and whether each exists: there may be fewer."""
    positions = torch.arange(count) * size.clamp(min=count) // count
    return torch.minimum(positions, size - 1), positions < size
