"""The margin of a linear vote over one rival: a sum of independent three-valued terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from smoothing.rounding import Float
from smoothing.votes.linear import SCORE_BITS

LARGEST_EXPONENT = 300.0
"""Largest ``|t w|``: beyond it products of two moments would leave float64."""

SMALLEST_MOMENT = 1e-140
"""Moments are raised to this, so that the product of two does not vanish."""

BLOCK = 128
"""Terms summed at a time, so that a sum of n errs by at most ``BLOCK + n / BLOCK`` units of rounding."""

EPS = float(np.finfo(np.float64).eps)


class Group(NamedTuple):
    """Training points of one label: the margin gains ``w`` with probability ``up``, loses it with ``down``.

    Attributes:
        w: ``(batch, m)`` weights.
        up: ``(batch, 1)`` probability that the randomised label is the winner.
        down: ``(batch, 1)`` probability that it is the rival.
        same: ``(batch, 1)`` probability of neither.
    """

    w: Tensor
    up: Tensor
    down: Tensor
    same: Tensor


@dataclass(frozen=True)
class Margin:
    """The margin ``s_i - s_i'`` of one winner and one rival a row, under independent label noise.

    ``K(t) = log E exp(-t (s_i - s_i'))`` is its log moment generating function (Rosenfeld et al. 2020, B.2).

    Attributes:
        groups: Its random terms, by label.
        offset: ``(batch,)`` its constant term.
    """

    groups: list[Group]
    offset: Tensor

    @classmethod
    def of(
        cls, by_label: Sequence[Tensor], offsets: Tensor, channel: Tensor, first: Tensor, second: Tensor
    ) -> "Margin":
        """The margin of the classes ``first`` over ``second``.

        Args:
            by_label: For each label, ``(batch, m)`` weights of the training points that carry it.
            offsets: ``(batch, K)`` offsets of the scores.
            channel: ``(K, K)`` transition matrix.
            first: ``(batch,)`` winners.
            second: ``(batch,)`` rivals.
        """
        pair = torch.stack([first, second], 1)
        groups = []
        for w, row in zip(by_label, channel, strict=True):
            if not w.shape[1]:
                continue
            same = row.expand(len(pair), -1).scatter(1, pair, 0).sum(1, keepdim=True)
            groups.append(Group(w, row[first, None], row[second, None], same))
        return cls(groups, offsets.gather(1, pair[:, :1])[:, 0] - offsets.gather(1, pair[:, 1:])[:, 0])

    def __getitem__(self, rows: Tensor) -> "Margin":
        """Some of the rows."""
        return Margin([Group(*(field[rows] for field in group)) for group in self.groups], self.offset[rows])

    @property
    def terms(self) -> int:
        """Number of random terms, n."""
        return sum(group.w.shape[1] for group in self.groups)

    def largest_tilt(self) -> Tensor:
        """The largest ``t`` at which ``K`` can be computed, ``(batch,)``."""
        return LARGEST_EXPONENT / self.largest_weight().clamp(min=1)

    def largest_weight(self) -> Tensor:
        """The largest absolute weight, ``(batch,)``."""
        return torch.stack([torch.linalg.vector_norm(g.w, torch.inf, 1) for g in self.groups]).amax(0)

    def log_mgf(self, tilt: Tensor) -> Float:
        """Upper bound on ``K(tilt)``, ``(batch,)``; infinite where ``tilt`` is above `largest_tilt`.

        Terms are rounded up to whole multiples of a power of two, so fine that their sum is exact in any order.
        """
        size = tilt * 2.0**SCORE_BITS + 1
        scale = torch.ldexp(torch.ones_like(size), 51 - torch.frexp(size).exponent)[:, None]
        total = torch.zeros_like(tilt)
        for w, up, down, same in self.groups:
            grown = (w * tilt[:, None]).exp_()
            moment = torch.div(up, grown).add_(grown.mul_(down))
            if same.any():
                moment.add_(same)
            moment.clamp_(min=SMALLEST_MOMENT)
            # Two moments under one logarithm; an odd one out stays alone.
            half = moment.shape[1] // 2
            moment[:, :half].mul_(moment[:, moment.shape[1] - half :])
            moment = moment[:, : moment.shape[1] - half]
            total += moment.log_().mul_(scale).ceil_().sum(1)
        error = 8 * EPS * (size + self.terms)
        bound = total / scale[:, 0] - tilt * self.offset + error
        bound[self._leaves_float64(tilt)] = torch.inf
        return np.asarray(np.nextafter(bound.numpy(), np.inf))

    def _leaves_float64(self, tilt: Tensor) -> Tensor:
        """Rows in which some ``|t w|`` is above `LARGEST_EXPONENT`, ``(batch,)``."""
        # The Euclidean norm is quicker to find than the largest weight, and seldom above the limit.
        norm = torch.stack([torch.linalg.vector_norm(g.w, dim=1) for g in self.groups]).norm(dim=0)
        suspect = torch.nonzero(tilt * norm > LARGEST_EXPONENT).flatten()
        leaves = torch.zeros_like(tilt, dtype=torch.bool)
        leaves[suspect] = tilt[suspect] * self[suspect].largest_weight() > LARGEST_EXPONENT * (1 + 8 * EPS)
        return leaves

    def derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        """First and second derivative of ``K`` at ``tilt``, each ``(batch,)``, to working precision."""
        slope, curvature = -self.offset, torch.zeros_like(self.offset)
        for w, up, down, same in self.groups:
            grown = (w * tilt[:, None]).exp_()
            lost, won = down * grown, up / grown
            total = lost + won + same
            mean = (lost - won) / total
            slope = slope + row_sums(w * mean)
            curvature = curvature + row_sums(w.square() * ((lost + won) / total - mean.square()))
        return slope, curvature


def row_sums(terms: Tensor) -> Tensor:
    """Sums over the columns of ``(batch, m)``, block by block."""
    whole = terms.shape[1] // BLOCK * BLOCK
    blocks = terms[:, :whole].reshape(len(terms), -1, BLOCK).sum(2)
    return blocks.sum(1) + terms[:, whole:].sum(1)
