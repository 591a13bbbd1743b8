"""The loss of independent coordinates that all have one finite law."""

from fractions import Fraction

from smoothing.numerics.rounding import UNIT, Float, up
from smoothing.privacy_loss.privacy_loss import PrivacyLoss
from smoothing.privacy_loss.random_walk import RandomWalk, random_walk


class RepeatedLoss(PrivacyLoss):
    """The loss of ``copies`` independent coordinates that all have the same finite law.

    Sums of losses are found by convolution, whatever the dimension of the object (THEORY.md section 2); Lee et al.
    (2019) count regions instead. Coordinates of several laws are losses beside each other, as long as all losses of
    one coordinate are apart by whole multiples of one unit, which the laws share.

    Args:
        mu: Probability of each outcome of one coordinate before the change, at least 0, summing to one.
        rho: Probability of the same outcomes after the change.
        copies: Number of changed coordinates, at least 0.
        beside: The loss of further coordinates, independent of these: the result is the loss of both together. For
            example, ``RepeatedLoss(one, zero, deletions, beside=RepeatedLoss(zero, one, additions))``.

    Raises:
        ValueError: If the laws differ in length, are no probabilities, or have no common unit.
    """

    def __init__(
        self,
        mu: "tuple[Fraction | float, ...]",
        rho: "tuple[Fraction | float, ...]",
        copies: int,
        beside: "RepeatedLoss | None" = None,
    ) -> None:
        self.copies = copies
        start = beside.copies if beside else 0
        self._walk: RandomWalk = random_walk(tuple(mu), tuple(rho), beside._walk if beside else None, start)

    def log_gain(self, log_f: Float) -> Float:
        """Upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        return self._walk.profile(self.copies).log_gain(log_f)

    def margin(self, log_fail: Float, log_rival: Float) -> Float:
        """See `PrivacyLoss.margin`; the table answers where one side is enough."""
        margin = self.log_threshold() - log_fail
        rest = (margin <= 0) & (log_rival < log_fail)
        if rest.any():
            margin[rest] = super().margin(log_fail[rest], log_rival[rest])
        return margin

    def kl(self) -> float:
        """Sum of the divergences of the coordinates; see `PrivacyLoss.kl`."""
        return up(self._walk.kl(self.copies) * (1 + 8 * UNIT))

    def log_threshold(self) -> float:
        """Lower bound on the ``log f`` at which ``G(f) = 1/2``, read off the table of the walk."""
        return self._walk.log_threshold(self.copies)

    def exact_threshold(self) -> Fraction:
        """The ``f`` with ``G(f) = 1/2`` in rational arithmetic on the laws as given."""
        return self._walk.exact_threshold(self.copies)
