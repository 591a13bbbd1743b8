"""Approximations of margins by few of their terms, to find a good tilt."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from smoothing.certifiers.analytic.margin import LARGEST_EXPONENT, Group, row_sums
from smoothing.certifiers.analytic.tilt import minimise, short
from smoothing.votes.labels.linear import Scores

OWN, ANYWHERE = 48, 32
"""Training points in a sketch: with the label of the winner and of the rival each, and with any label."""


@dataclass(frozen=True)
class Sketch:
    """Margins approximated by some of their terms.

    Attributes:
        terms: ``(rows, m)`` sampled terms.
        times: ``(rows, m)`` number of terms that each represents.
        shift: ``(rows,)`` correction of the derivative of ``K``: its error at 0, used at every tilt.
        start: ``(rows,)`` tilt of a normal law; 0 if the mean margin is not above 0.
    """

    terms: Group
    times: Tensor
    shift: Tensor
    start: Tensor

    @classmethod
    def of(cls, terms: Group, times: Tensor, slope: Tensor) -> "Sketch":
        """Return a sketch of margins.

        Args:
            terms: ``(rows, m)`` sampled terms.
            times: ``(rows, m)`` number of terms that each represents.
            slope: ``(rows,)`` derivative of ``K`` at 0.
        """
        alone = cls(terms, times, torch.zeros_like(slope), slope)
        seen, curvature = alone._derivatives(torch.zeros_like(slope))
        start = torch.where(slope < 0, -slope / curvature.clamp(min=1e-300), 0)
        return replace(alone, shift=slope - seen, start=start)

    def best_tilt(self) -> Tensor:
        """Return an approximate minimiser of the sketched ``K``, ``(rows,)``; 0 unless the mean margin is above 0."""
        return short(minimise(self._derivatives, self.start, self._largest_tilt()))

    def log_mgf(self, tilt: Tensor) -> Tensor:
        """Return the sketched ``K(tilt)``, ``(rows,)``."""
        within = torch.minimum(tilt, self._largest_tilt())
        return row_sums(self.terms.moments(within).log_().mul_(self.times)) + tilt * self.shift

    def _derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        slope, curvature = self.terms.derivatives(tilt)
        return row_sums(slope.mul_(self.times)) + self.shift, row_sums(curvature.mul_(self.times))

    def _largest_tilt(self) -> Tensor:
        return LARGEST_EXPONENT / self.terms.w.abs().amax(1).clamp(min=1)


class Sampler:
    """Deterministic sampler of sketches of the margins of a batch.

    Points with the label of the winner or the rival matter most. With many classes they are few, so they are sampled
    separately. The weights of each sample are shifted and scaled to the mean and the variance of all its points.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix of the label noise.
    """

    def __init__(self, scores: Scores, channel: Tensor) -> None:
        self._scores = scores
        self._channel = channel
        order = torch.from_numpy(scores.by_label[0])
        self._sizes = torch.bincount(scores.labels, minlength=scores.num_classes)
        within, self._owned = _spread_over(self._sizes[:, None], OWN)
        self._own = order[(self._sizes.cumsum(0) - self._sizes)[:, None] + within]
        anywhere, exists = _spread_over(self._sizes.sum(), ANYWHERE)
        self._anywhere = order[anywhere[exists]]

    def sketch(self, rows: Tensor, first: Tensor, second: Tensor) -> Sketch:
        """Return sketched margins of ``first`` over ``second`` in some rows of the batch, all ``(pairs,)`` int64."""
        up, down = self._channel.T[first], self._channel.T[second]
        offset = self._scores.offsets[rows, first] - self._scores.offsets[rows, second]
        slope = (self._scores.class_sums[rows] * (down - up)).sum(1) - offset
        strata = [self._own_stratum(rows, label) for label in (first, second)]
        if self._scores.num_classes > 2:
            strata.append(self._other_stratum(rows, first, second))
        chosen, weights, times = (torch.cat(part, 1) for part in zip(*strata, strict=True))
        labels = self._scores.labels[chosen]
        up, down = up.gather(1, labels), down.gather(1, labels)
        terms = Group(weights, up, down, (1 - up - down).clamp_(min=0))
        return Sketch.of(terms, times, slope)

    def _own_stratum(self, rows: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sampled points with one label, their weights and how many points each represents."""
        moments = self._sizes[label], self._scores.class_sums[rows, label], self._scores.class_squares[rows, label]
        return self._stratum(rows, self._own[label], self._owned[label], moments)

    def _other_stratum(self, rows: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the sampled points with other labels, their weights and how many points each represents."""
        classes = torch.arange(self._scores.num_classes)
        inside = (first[:, None] != classes) & (second[:, None] != classes)
        chosen = self._anywhere.expand(len(rows), -1)
        columns = self._sizes, self._scores.class_sums[rows], self._scores.class_squares[rows]
        size, total, squares = ((inside * column).sum(1) for column in columns)
        return self._stratum(rows, chosen, inside.gather(1, self._scores.labels[chosen]), (size, total, squares))

    def _stratum(
        self, rows: Tensor, chosen: Tensor, inside: Tensor, moments: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return selected training points, their weights, and how many points each represents, all ``(pairs, m)``.

        Args:
            rows: ``(pairs,)`` rows of the batch.
            chosen: ``(pairs, m)`` training points.
            inside: ``(pairs, m)`` whether the point belongs to the stratum; others represent none.
            moments: ``(pairs,)`` number, sum and sum of squares of the weights of the stratum.
        """
        size, total, squares = (moment[:, None].double() for moment in moments)
        seen = inside.double()
        number, size = seen.sum(1, keepdim=True).clamp_(min=1), size.clamp(min=1)
        w = self._scores.weights[rows[:, None], chosen]
        w -= (seen * w).sum(1, keepdim=True) / number
        spread = squares / size - (total / size).square()
        seen_spread = (seen * w).mul_(w).sum(1, keepdim=True) / number
        stretch = torch.where(seen_spread > 0, spread.clamp(min=0) / seen_spread, 1).sqrt()
        return chosen, w.mul_(stretch).add_(total / size), seen * (size / number)


def _spread_over(size: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return ``count`` evenly spaced positions in ``0 .. size - 1``, and whether each exists."""
    positions = torch.arange(count) * size.clamp(min=count) // count
    return torch.minimum(positions, size - 1), positions < size
