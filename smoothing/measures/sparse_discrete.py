"""Discrete noise with different probabilities for zeros and ones, for sparse binary vectors."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from smoothing.measures.discrete import CategoricalMeasure
from smoothing.measures.measure import Channel, exact_probability
from smoothing.privacy_loss import PrivacyLoss, RepeatedLoss

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class SparseDiscrete(CategoricalMeasure):
    """Binary noise that flips zeros and ones with different probabilities, l0 (Bojchevski et al. 2020).

    Coordinates on which ``z`` and ``z'`` agree cancel in the likelihood ratio. Let ``i`` of ``a`` added ones and ``j``
    of ``d`` deleted ones be ones in the sample. A one instead of a zero multiplies the likelihood ratio by
    ``(1 - p_add)(1 - p_delete) / (p_add p_delete)`` at an added one and divides it by the same factor at a deleted one.
    The loss therefore depends only on ``i - j``: there are ``a + d + 1`` regions, and the loss is the sum of two random
    walks on one lattice. By post-processing, the law of ``(a, d)`` dominates all laws with fewer additions and
    deletions, so the laws with ``a + d = r`` cover the radius ``r``.

    Args:
        p_add: Probability that a zero becomes a one, within [0, 1). A float stands for the decimal number that it
            prints as. Strings and fractions are exact.
        p_delete: Probability that a one becomes a zero, within [0, 1). The sum ``p_add + p_delete`` must be within
            (0, 1), so that a one in the sample is more likely at ones than at zeros.

    Raises:
        ValueError: If an argument is out of range.
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

    def randomise(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Keep or flip every coordinate; see `CategoricalMeasure.randomise`."""
        import torch

        chance = torch.rand(z.shape, generator=generator, dtype=torch.float64, device=z.device)
        return torch.where(torch.where(z == 0, chance < self.p_add, chance < self.p_delete), 1 - z, z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        """Return the laws of all pairs of additions and deletions with sum ``radius``."""
        return [self.pair_loss(additions, int(radius) - additions) for additions in range(int(radius) + 1)]

    def pair_loss(self, additions: int, deletions: int) -> PrivacyLoss:
        """Return the law of one pair of additions and deletions.

        Args:
            additions: Number of zeros that become ones, at least 0.
            deletions: Number of ones that become zeros, at least 0.
        """
        zero, one = (self.exact_p_add, 1 - self.exact_p_add), (1 - self.exact_p_delete, self.exact_p_delete)
        added = RepeatedLoss(mu=zero, rho=one, copies=additions)
        return RepeatedLoss(mu=one, rho=zero, copies=deletions, beside=added)

    @property
    def channel(self) -> Channel:
        """``(2, 2)`` transition probabilities, fractions."""
        return np.array(
            [[1 - self.exact_p_add, self.exact_p_add], [self.exact_p_delete, 1 - self.exact_p_delete]], dtype=object
        )
