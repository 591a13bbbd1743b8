"""The measure of bagging."""

from collections.abc import Sequence
from fractions import Fraction
from math import expm1, log1p, prod
from typing import TYPE_CHECKING

from smoothing.arguments import at_least, is_generator, is_tensor, refuse
from smoothing.distance import CHANGED, FLIPS, INSERTED, Change, Distance
from smoothing.measures.examples import counted, phrase
from smoothing.measures.measure import OUTWARD, SmoothingMeasure
from smoothing.numerics.random import uniform_integers
from smoothing.numerics.rounding import up
from smoothing.privacy_loss import OverlapLoss, PrivacyLoss

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HIDDEN = -1
"""Value in a sample of labels that were not drawn."""


class Subsample(SmoothingMeasure):
    """Bagging: ``size`` of n training examples are drawn with replacement, all others are hidden (Jia et al. 2021).

    A sample without changed examples has the same probability before and after the change. A sample with a changed
    example is impossible before or after. For any r changed labels, or examples that are changed in place, the latter
    have mass ``1 - (1 - r/n)^size``, so that ``G(f) = f + 1 - (1 - r/n)^size``.

    For i inserted and d deleted examples, ``n' = n + i - d`` examples remain, of which ``m = n - d`` are old. The
    samples of these have probability ``(m/n)^size`` before and ``(m/n')^size`` after the change, so that
    ``G(f) = (n/n')^size f + 1 - (m/n')^size``. The radius holds for all ``i + d <= r`` (Jia et al. 2021, Theorem 1,
    where a replaced example counts 1; here it counts 2). Repeated draws of one example count once.

    Args:
        size: Number of draws, at least 1.
        change: Unit of the distance: ``"flips"`` of labels, ``"changed examples"``, changed in place, or
            ``"inserted or deleted examples"``.

    Raises:
        ValueError: If an argument is out of range.
    """

    exact_samples = True

    def __init__(self, size: int, change: Change = "flips") -> None:
        at_least(self, 1, size=size)
        self._distance = counted(self, change, (FLIPS, CHANGED, INSERTED))
        self.size = size
        self.change = change
        self.assumptions = phrase(self._distance)

    @property
    def distance(self) -> Distance:
        """Number of changes of the training set, not strict."""
        return self._distance

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Hide all labels that are not drawn; see `SmoothingMeasure.sample`."""
        return self.sample_many(z, 1, generator)[0]

    def sample_many(self, z: "Tensor", draws: int, generator: "torch.Generator") -> "Tensor":
        """Hide all labels that are not drawn, independently in each draw; see `SmoothingMeasure.sample_many`.

        Raises:
            ValueError: If the dtype of ``z`` is unsigned and cannot represent `HIDDEN`.
        """
        import torch

        is_tensor(self, z=z)
        is_generator(self, generator)
        if not z.dtype.is_signed:
            refuse(self, "z", z, f"of a signed dtype, since {HIDDEN} marks hidden labels")
        shown = uniform_integers(z.numel(), (draws, self.size), generator, z.device)
        versions = torch.full((draws, z.numel()), HIDDEN, dtype=z.dtype, device=z.device)
        return versions.scatter_(1, shown, z.flatten()[shown]).reshape(draws, *z.shape)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss | list[PrivacyLoss]:
        """Return the loss of the samples with a changed example; one loss per number of deleted examples.

        An additional insertion increases ``G``, so that only ``i = r - d`` insertions are needed.
        """
        if self._distance == INSERTED:
            changes, n = int(radius), prod(shape)
            return [self._resized(n, changes - deleted, deleted) for deleted in range(min(changes, n) + 1)]
        share = radius / prod(shape)
        lost = -expm1(self.size * log1p(-share)) if share < 1 else 1.0
        return OverlapLoss(min(lost * (1 + OUTWARD), 1.0))

    def _resized(self, n: int, inserted: int, deleted: int) -> PrivacyLoss:
        """Return the loss of inserting and deleting so many of n examples. The powers are exact fractions."""
        old, now = n - deleted, n - deleted + inserted
        if old == 0:
            return OverlapLoss(1.0)
        return OverlapLoss(up(1 - Fraction(old, now) ** self.size), up(Fraction(n, now) ** self.size))
