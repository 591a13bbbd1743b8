"""Margin of a linear vote over one rival: a sum of independent three-valued terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.numerics.rounding import Float
from smoothing.votes.labels.linear import SCORE_BITS

LARGEST_EXPONENT = 300.0
"""Largest ``|t w|``. Above it, products of two moments could overflow float64."""

SMALLEST_MOMENT = 1e-140
"""Lower limit of moments, so that the product of two does not underflow."""

BLOCK = 128
"""Terms summed at a time. A sum of n terms then has an error of at most ``BLOCK + n / BLOCK`` rounding units."""

EPS = float(np.finfo(np.float64).eps)


class Group(NamedTuple):
    """Training points whose labels have the same noise probabilities, or probabilities per point.

    The margin gains ``w`` with probability ``up`` and loses ``w`` with probability ``down``.

    Attributes:
        w: ``(batch, m)`` weights.
        up: ``(batch, 1)`` or ``(batch, m)`` probability that the randomised label is the winner.
        down: Probability that it is the rival, of the same shape.
        same: Probability that it is neither, of the same shape.
    """

    w: Tensor
    up: Tensor
    down: Tensor
    same: Tensor

    def moments(self, tilt: Tensor) -> Tensor:
        """Return the factor of each term in ``E exp(-tilt (s_i - s_i'))``, ``(batch, m)``, at tilts ``(batch,)``."""
        grown = (self.w * tilt[:, None]).exp_()
        moments = torch.div(self.up, grown).add_(grown.mul_(self.down))
        return moments.add_(self.same) if self.same.any() else moments

    def derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        """Return the part of each term in the first and second derivative of ``K`` at ``tilt``, both ``(batch, m)``."""
        grown = (self.w * tilt[:, None]).exp_()
        won = self.up / grown
        lost = grown.mul_(self.down)
        moved = lost + won
        total = moved + self.same
        mean = lost.sub_(won).div_(total)
        spread = moved.div_(total).addcmul_(mean, mean, value=-1)
        return mean.mul_(self.w), spread.mul_(self.w).mul_(self.w)


class LabelKind(NamedTuple):
    """Labels with equal probabilities of becoming the winner and of becoming the rival.

    Attributes:
        labels: The labels, ascending.
        up: Probability of becoming the winner.
        down: Probability of becoming the rival.
        same: Probability of becoming neither, rounded up.
    """

    labels: NDArray[np.intp]
    up: float
    down: float
    same: float


class LabelKinds:
    """Groups of labels with equal probabilities under a channel. Uniform flips have three kinds, for any K.

    Args:
        channel: ``(K, K)`` transition matrix.
    """

    def __init__(self, channel: NDArray[np.float64]) -> None:
        self._channel = channel
        # Numbers of the distinct probabilities of each column, so that pairs of them compare as integers.
        self._number = np.stack([np.unique(column, return_inverse=True)[1].ravel() for column in channel.T], 1)

    def __call__(self, first: int, second: int) -> list[LabelKind]:
        """Return the kinds of labels for a winner and a rival."""
        pair = self._number[:, first] * len(self._channel) + self._number[:, second]
        neither = self._channel.copy()
        neither[:, [first, second]] = 0
        same = neither.sum(1) * (1 + len(neither) * EPS)
        members = [np.flatnonzero(pair == kind) for kind in dict.fromkeys(pair.tolist())]
        chances = self._channel
        return [
            LabelKind(k, float(chances[k[0], first]), float(chances[k[0], second]), float(same[k].max()))
            for k in members
        ]


@dataclass(frozen=True)
class Margin:
    """Margin ``s_i - s_i'`` of one winner and one rival per row, under independent label noise.

    ``K(t) = log E exp(-t (s_i - s_i'))`` is its log moment generating function (Rosenfeld et al. 2020, B.2).

    Attributes:
        groups: Random terms.
        offset: ``(batch,)`` constant term.
        norm: ``(batch,)`` Euclidean length of all weights.
    """

    groups: list[Group]
    offset: Tensor
    norm: Tensor

    @classmethod
    def of(
        cls, weights: Tensor, starts: Sequence[int], kinds: Sequence[LabelKind], offset: Tensor, norm: Tensor
    ) -> "Margin":
        """Return the margin of one winner over one rival.

        Args:
            weights: ``(batch, n)`` weights, in the order of their labels.
            starts: ``(K+1,)`` first position of each label in that order, then n.
            kinds: Kinds of labels.
            offset: ``(batch,)`` difference of the offsets.
            norm: ``(batch,)`` Euclidean length of all weights.
        """
        groups = []
        for kind in kinds:
            parts = [weights[:, starts[low] : starts[high]] for low, high in _runs(kind.labels)]
            w = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
            if w.shape[1]:
                same_for_all = (torch.full((1, 1), p, dtype=w.dtype).expand(len(w), 1) for p in kind[1:])
                groups.append(Group(w, *same_for_all))
        return cls(groups, offset, norm)

    def __getitem__(self, rows: Tensor) -> "Margin":
        """Return the margin of some rows."""
        groups = [Group(*(field[rows] for field in group)) for group in self.groups]
        return Margin(groups, self.offset[rows], self.norm[rows])

    @property
    def terms(self) -> int:
        """Number of random terms, n."""
        return sum(group.w.shape[1] for group in self.groups)

    def largest_tilt(self) -> Tensor:
        """Return the largest ``t`` at which ``K`` can be computed, ``(batch,)``."""
        return LARGEST_EXPONENT / self.largest_weight().clamp(min=1)

    def largest_weight(self) -> Tensor:
        """Return the largest absolute weight, ``(batch,)``."""
        return torch.stack([torch.linalg.vector_norm(g.w, torch.inf, 1) for g in self.groups]).amax(0)

    def log_mgf(self, tilt: Tensor) -> Float:
        """Return an upper bound on ``K(tilt)``, ``(batch,)``; infinite if ``tilt`` is above `largest_tilt`.

        Terms are rounded up to multiples of a power of two whose sum is exact in any order.
        """
        size = tilt * 2.0**SCORE_BITS + 1
        scale = torch.ldexp(torch.ones_like(size), 51 - torch.frexp(size).exponent)[:, None]
        total = torch.zeros_like(tilt)
        for group in self.groups:
            moment = group.moments(tilt).clamp_(min=SMALLEST_MOMENT)
            # One logarithm for two moments, except for the last of an odd number.
            half = moment.shape[1] // 2
            moment[:, :half].mul_(moment[:, moment.shape[1] - half :])
            moment = moment[:, : moment.shape[1] - half]
            total += moment.log_().mul_(scale).ceil_().sum(1)
        error = 8 * EPS * (size + self.terms)
        bound = total / scale[:, 0] - tilt * self.offset + error
        bound[self._leaves_float64(tilt)] = torch.inf
        return np.asarray(np.nextafter(bound.numpy(), np.inf))

    def _leaves_float64(self, tilt: Tensor) -> Tensor:
        """Return whether some ``|t w|`` is above `LARGEST_EXPONENT`, ``(batch,)``."""
        # The length is already computed, at least the largest weight, and rarely above the limit.
        suspect = torch.nonzero(tilt * self.norm > LARGEST_EXPONENT).flatten()
        leaves = torch.zeros_like(tilt, dtype=torch.bool)
        leaves[suspect] = tilt[suspect] * self[suspect].largest_weight() > LARGEST_EXPONENT * (1 + 8 * EPS)
        return leaves

    def derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first and second derivative of ``K`` at ``tilt``, each ``(batch,)``, to working precision."""
        slope, curvature = -self.offset, torch.zeros_like(self.offset)
        for group in self.groups:
            first, second = group.derivatives(tilt)
            slope += row_sums(first)
            curvature += row_sums(second)
        return slope, curvature


def _runs(labels: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the ranges of consecutive numbers: first, and last plus one."""
    cuts = np.flatnonzero(np.diff(labels) > 1)
    return list(zip(labels[[0, *(cuts + 1)]].tolist(), (labels[[*cuts, -1]] + 1).tolist(), strict=True))


def row_sums(terms: Tensor) -> Tensor:
    """Return sums over the columns of ``(batch, m)``, block by block."""
    whole = terms.shape[1] // BLOCK * BLOCK
    blocks = terms[:, :whole].reshape(len(terms), -1, BLOCK).sum(2)
    return blocks.sum(1) + terms[:, whole:].sum(1)
