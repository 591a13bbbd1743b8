"""Privacy loss of independent coordinates with one finite law."""

from copy import copy
from fractions import Fraction
from functools import lru_cache

import numpy as np

from smoothing.numerics.rounding import EPSILON, UNIT, Float, step_up, up
from smoothing.privacy_loss.privacy_loss import Coordinates, PrivacyLoss
from smoothing.privacy_loss.random_walk import RandomWalk, random_walk
from smoothing.privacy_loss.step import common_ratio


class RepeatedLoss(PrivacyLoss):
    """The loss of ``copies`` independent coordinates with the same finite law.

    Sums of losses are computed by convolution on a lattice, for any dimension of the object (THEORY.md section 2). Lee
    et al. (2019) count regions instead. The result is tight if the log-likelihood ratios of one coordinate differ by
    whole multiples of one unit. Otherwise the law is split between the points of a fine lattice, in favour of the
    adversary.

    Coordinates with different laws are combined with ``beside``.

    Args:
        mu: Probability of each outcome of one coordinate before the change, at least 0, summing to one.
        rho: Probability of the same outcomes after the change.
        copies: Number of changed coordinates, at least 0.
        beside: Loss of further coordinates, independent of these. The result is the loss of all coordinates, for
            example ``RepeatedLoss(one, zero, deletions, beside=RepeatedLoss(zero, one, additions))``.

    Raises:
        ValueError: If the laws differ in length or are not probabilities.
    """

    def __init__(
        self,
        mu: "tuple[Fraction | float, ...]",
        rho: "tuple[Fraction | float, ...]",
        copies: int,
        beside: "RepeatedLoss | None" = None,
    ) -> None:
        self.copies = copies
        self._coordinates: Coordinates = (*(beside._coordinates if beside else ()), (tuple(mu), tuple(rho), copies))
        self._walk = _walk_of(self._coordinates)

    def repeated(self, copies: int) -> "RepeatedLoss":
        """Return the same loss with another number of copies of the last coordinate, at least 0."""
        # Without looking up the walk, which hashes fractions.
        other = copy(self)
        mu, rho, _ = self._coordinates[-1]
        other.copies, other._coordinates = copies, (*self._coordinates[:-1], (mu, rho, copies))
        return other

    def coordinates(self) -> Coordinates:
        """Return the laws and the numbers of coordinates; see `PrivacyLoss.coordinates`."""
        return self._coordinates

    def atoms(self) -> tuple[Float, Float, Float, Float]:
        """Return the values of the loss and their probabilities under ``rho``.

        Returns:
            Values ``(m,)``, rounded up; probabilities ``(m,)``; the bound on their relative errors ``(1,)``; upper
            bound on the missing probability ``(1,)``, of outcomes that reveal the change among others.
        """
        law = self._walk.law(self.copies)
        kept = np.flatnonzero(law.p > 0)
        value, error = self._walk.loss(law.lowest + kept, self.copies)
        above = step_up((value + error).astype(np.float64), 1)
        p, lost = law.p[kept].astype(np.float64), step_up(np.array([law.lost], np.float64), 1)
        return above, p, np.array([float(law.error) + EPSILON]), lost * (law.lost > 0)

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        return self._walk.profile(self.copies).log_gain(log_f)

    def margin(self, log_fail: Float, log_rival: Float) -> Float:
        """Return the margin; see `PrivacyLoss.margin`. Where ``fA`` is below `log_threshold`, this is enough."""
        margin = self.log_threshold() - log_fail
        rest = (margin <= 0) & (log_rival < log_fail)
        if rest.any():
            margin[rest] = super().margin(log_fail[rest], log_rival[rest])
        return margin

    def kl(self) -> float:
        """Return the sum of the divergences of the coordinates; see `PrivacyLoss.kl`."""
        return up(self._walk.kl(self.copies) * (1 + 8 * UNIT))

    def log_threshold(self) -> float:
        """Return a lower bound on ``log f`` with ``G(f) = 1/2``, from the table of the random walk."""
        return self._walk.log_threshold(self.copies)

    def exact_threshold(self) -> Fraction:
        """Return ``f`` with ``G(f) = 1/2``, in rational arithmetic on the given laws.

        Raises:
            ValueError: If the losses do not lie on one lattice.
        """
        if not self._walk.exact:
            raise ValueError("RepeatedLoss has no exact threshold: its likelihood ratios are not powers of one number")
        return self._walk.exact_threshold(self.copies)


def loss_of(coordinates: Coordinates) -> RepeatedLoss:
    """Return the loss of independent finite coordinates with any laws, at least one."""
    loss = None
    for mu, rho, copies in coordinates:
        loss = RepeatedLoss(mu, rho, copies, loss)
    assert loss is not None
    return loss


def _walk_of(coordinates: Coordinates) -> RandomWalk:
    """Return the walk of the coordinates without the number of steps of the last law."""
    ratio = _ratio_of(tuple((mu, rho) for mu, rho, _ in coordinates))
    walk, start = None, 0
    for mu, rho, copies in coordinates:
        walk, start = random_walk(mu, rho, walk, start, ratio), copies
    assert walk is not None
    return walk


_ratio_of = lru_cache(maxsize=1024)(common_ratio)
