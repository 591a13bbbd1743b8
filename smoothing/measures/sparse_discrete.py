"""Discrete noise that treats zeros and ones differently, for sparse binary vectors."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from smoothing.measures.discrete import CategoricalMeasure
from smoothing.measures.measure import Channel, exact_probability
from smoothing.privacy_loss import PrivacyLoss, RepeatedLoss


class SparseDiscrete(CategoricalMeasure):
    """Zeros become ones with one probability, ones become zeros with another (Bojchevski et al. 2020).

    Coordinates on which ``z`` and ``z'`` agree cancel. Let ``i`` of ``a`` added ones be seen as ones, and ``j`` of
    ``d`` deleted ones. A one in place of a zero multiplies the likelihood ratio by
    ``(1 - p_add)(1 - p_delete) / (p_add p_delete)`` where it was added and divides it by as much where it was deleted,
    so the loss depends on ``i - j`` alone: ``a + d + 1`` regions, and two random walks on one lattice. Who sees fewer
    coordinates knows less, so the law of ``(a, d)`` dominates all with fewer of either, and those with ``a + d = r``
    cover the radius ``r``.

    Args:
        p_add: Probability that a zero becomes a one, within [0, 1). Taken as the decimal it prints as, or exactly from
            a string or a fraction.
        p_delete: Probability that a one becomes a zero, within [0, 1). With ``p_add`` it must sum to more than 0 and
            less than 1, where a one is likelier to be seen at ones than at zeros.

    Raises:
        ValueError: If an argument is out of its range.
    """

    num_classes = 2

    def __init__(self, p_add: str | float | Fraction, p_delete: str | float | Fraction) -> None:
        self.exact_p_add = exact_probability("SparseDiscrete", "p_add", p_add)
        self.exact_p_delete = exact_probability("SparseDiscrete", "p_delete", p_delete)
        if not 0 < self.exact_p_add + self.exact_p_delete < 1:
            raise ValueError(
                f"SparseDiscrete: p_delete = {p_delete}; must be such that p_add + p_delete is within (0, 1), "
                f"with p_add = {p_add}"
            )
        self.p_add, self.p_delete = float(self.exact_p_add), float(self.exact_p_delete)

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Keep or turn every zero and one."""
        chance = torch.rand(z.shape, generator=generator, dtype=torch.float64, device=z.device)
        return torch.where(torch.where(z == 0, chance < self.p_add, chance < self.p_delete), 1 - z, z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        """The law of every mix of additions and deletions of that size."""
        return [self.pair_loss(additions, int(radius) - additions) for additions in range(int(radius) + 1)]

    def pair_loss(self, additions: int, deletions: int) -> PrivacyLoss:
        """The law of one mix.

        Args:
            additions: Number of zeros that become ones, at least 0.
            deletions: Number of ones that become zeros, at least 0.
        """
        zero, one = (self.exact_p_add, 1 - self.exact_p_add), (1 - self.exact_p_delete, self.exact_p_delete)
        added = RepeatedLoss(mu=zero, rho=one, copies=additions)
        return RepeatedLoss(mu=one, rho=zero, copies=deletions, beside=added)

    @property
    def channel(self) -> Channel:
        """``(2, 2)`` probabilities of each value becoming each other, as fractions."""
        return np.array(
            [[1 - self.exact_p_add, self.exact_p_add], [self.exact_p_delete, 1 - self.exact_p_delete]], dtype=object
        )
