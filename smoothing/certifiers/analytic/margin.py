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

SAFE_EXPONENT = 350.0
"""Products between ``exp(-2 * 350)`` and ``exp(2 * 350)`` are float64 numbers of full precision."""

FACTORS = 16
"""Largest number of factors whose product replaces the sum of their logarithms."""

CACHED = 2**15
"""Terms processed at a time: few enough to stay in a core's cache from one pass to the next."""

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

    def of_rows(self, rows: Tensor) -> "Group":
        """Return the terms of some rows."""
        return Group(*(field[rows] for field in self))

    def moments(self, tilt: Tensor) -> Tensor:
        """Return the factor of each term in ``E exp(-tilt (s_i - s_i'))``, ``(batch, m)``, at tilts ``(batch,)``."""
        grown = (self.w * tilt[:, None]).exp_()
        moments = torch.div(self.up, grown).add_(grown.mul_(self.down))
        return moments.add_(self.same) if self.same.any() else moments

    def derivatives(self, tilt: Tensor) -> tuple[Tensor, Tensor]:
        """Return the part of each term in the first and second derivative of ``K`` at ``tilt``, both ``(batch, m)``."""
        grown = self.w * tilt[:, None]
        np.exp(grown.numpy(), out=grown.numpy())
        won = self.up / grown
        lost = grown.mul_(self.down)
        moved = lost + won
        total = moved + self.same
        mean = lost.sub_(won).div_(total)
        spread = moved.div_(total).addcmul_(mean, mean, value=-1)
        return mean.mul_(self.w), spread.mul_(self.w).mul_(self.w)

    def log_products(self, tilt: Float, scale: Float, factors: int) -> Float:
        """Return sums of logarithms of ``moment exp(tilt w)``, in units of ``1 / scale`` and rounded up; ``(batch,)``.

        Args:
            tilt: ``(batch,)`` tilts.
            scale: ``(batch,)`` powers of two.
            factors: Number of moments that share a logarithm, at least 1. The result is not finite if a product leaves
                float64.
        """
        total = np.zeros(len(tilt))
        # If no label becomes neither, one power of g suffices.
        neither = bool(self.same.any())
        steps = torch.from_numpy(tilt if neither else 2 * tilt)[:, None]
        columns = self.w.shape[1]
        height = max(1, CACHED // max(columns, 1))
        for top in range(0, len(tilt), height):
            rows = slice(top, top + height)
            up, down, same = (field[rows] if len(field) > 1 else field for field in self[1:])
            for left in range(0, columns, CACHED):
                grown = self.w[rows, left : left + CACHED] * steps[rows]
                numbers = grown.numpy()
                # NumPy's exponential is faster than PyTorch's, and as accurate.
                np.exp(numbers, out=numbers)
                value = _times_plus(grown, down, same).mul_(grown).add_(up) if neither else _times_plus(grown, down, up)
                logs = np.log(products_of(value.numpy(), factors))
                logs *= scale[rows, None]
                total[rows] += np.ceil(logs, out=logs).sum(1)
        return total


def _times_plus(x: Tensor, factor: Tensor, added: Tensor) -> Tensor:
    """Return ``x factor + added`` for ``x`` ``(batch, m)``; the others ``(batch, 1)``."""
    if factor.stride(0) == 0 or len(factor) == 1:
        # One pass over ``x``.
        return torch.add(added, x, alpha=float(factor[0, 0]))
    return torch.addcmul(added, x, factor)


def products_of(values: Float, factors: int) -> Float:
    """Return products of up to ``factors + 1`` columns each, ``(batch, m)`` to ``(batch, fewer)``.

    The products of a row do not depend on other rows.
    """
    width = values.shape[1] // factors
    rest = values.shape[1] - width * factors
    if factors == 1 or rest > width:
        return values
    out = np.multiply.reduce(values[:, : width * factors].reshape(len(values), factors, width), axis=1)
    out[:, :rest] *= values[:, width * factors :]
    return np.asarray(out)


def factors_within(exponent: float) -> int:
    """Return how many factors between ``exp(-2 exponent)`` and ``exp(2 exponent)``, less one, float64 multiplies."""
    if not exponent > SAFE_EXPONENT / (FACTORS + 1):
        return FACTORS
    return max(1, int(SAFE_EXPONENT / exponent) - 1)


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
        return Margin([group.of_rows(rows) for group in self.groups], self.offset[rows], self.norm[rows])

    @property
    def terms(self) -> int:
        """Number of random terms, n."""
        return sum(group.w.shape[1] for group in self.groups)

    def largest_tilt(self) -> Tensor:
        """Return the largest ``t`` at which ``K`` can be computed, ``(batch,)``."""
        return LARGEST_EXPONENT / self.largest_weight().clamp(min=1)

    def largest_weight(self) -> Tensor:
        """Return the largest absolute weight, ``(batch,)``."""
        return torch.stack([torch.maximum(g.w.amax(1), -g.w.amin(1)) for g in self.groups]).amax(0)

    def log_mgf(self, tilt: Tensor) -> Float:
        """Return an upper bound on ``K(tilt)``, ``(batch,)``; infinite if ``tilt`` is above `largest_tilt`.

        A term is ``log(up + same g + down g^2) - t w`` with ``g = exp(t w)``. The sum of all ``w`` is exact. Logarithms
        of products are rounded up to multiples of a power of two whose sum is exact in any order.
        """
        t, drift = tilt.numpy(), self.offset.numpy().copy()
        size = t * 2.0**SCORE_BITS + 1
        scale = np.ldexp(1.0, 51 - np.frexp(size)[1])
        total = np.zeros(len(t))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for group in self.groups:
                drift += group.w.sum(1).numpy()
                # Moments times ``exp(t w)`` are at least ``up``, so that products can only overflow.
                total += group.log_products(t, scale, factors_within(-np.log(float(group.up.min())) / 2))
            if not np.isfinite(total).all():
                self._repair(total, t, scale)
            # A logarithm of products errs by at most 3 EPS |t w| + 4.5 EPS for each of its terms, whose logarithms are
            # at most 2 |t w|, if ``exp`` and ``log`` err by one unit in the last place. The last line adds 2 EPS size.
            error = 8 * EPS * (size + self.terms)
            bound = total / scale - t * drift + error
            # The length is already computed, at least the largest weight up to rounding, and rarely above the limit.
            suspect = np.flatnonzero(t * self.norm.numpy() > LARGEST_EXPONENT)
            if len(suspect):
                largest = self[torch.from_numpy(suspect)].largest_weight().numpy()
                bound[suspect[t[suspect] * largest > LARGEST_EXPONENT * (1 + 8 * EPS)]] = np.inf
        return np.asarray(np.nextafter(bound, np.inf))

    def _repair(self, total: Float, tilt: Float, scale: Float) -> None:
        """Compute totals that are not finite again, with as few factors in a product as float64 holds for certain."""
        poor = np.flatnonzero(~np.isfinite(total))
        safe = np.array([factors_within(exponent) for exponent in (tilt * self.norm.numpy())[poor].tolist()])
        for factors in np.unique(safe).tolist():
            rows = poor[safe == factors]
            part = self[torch.from_numpy(rows)]
            total[rows] = sum(group.log_products(tilt[rows], scale[rows], factors) for group in part.groups)

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
