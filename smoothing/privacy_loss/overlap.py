"""Privacy loss of uniform distributions: constant on the common support, infinite outside."""

from fractions import Fraction

import numpy as np

from smoothing.numerics.rounding import Float, step_up
from smoothing.privacy_loss.privacy_loss import Coordinates, PrivacyLoss
from smoothing.privacy_loss.step import LEAST_PROBABILITY


class OverlapLoss(PrivacyLoss):
    """The loss with ``G(f) = ratio f + lost``, at most 1 (THEORY.md section 2).

    Args:
        lost: Mass of ``rho`` outside the support of ``mu``, within [0, 1], rounded up.
        ratio: Likelihood ratio ``d rho / d mu`` on the common support, above 0, rounded up. It is 1 if both
            distributions are uniform on sets of one size.
    """

    def __init__(self, lost: float, ratio: float = 1.0) -> None:
        self.lost = lost
        self.ratio = ratio

    def coordinates(self) -> Coordinates | None:
        """Return one coordinate: seen under both laws, under ``mu`` alone, or under ``rho`` alone.

        None if the supports have different sizes.
        """
        if self.ratio != 1:
            return None
        lost = Fraction(self.lost) and max(Fraction(self.lost), LEAST_PROBABILITY)
        return (((1 - lost, lost, 0), (1 - lost, 0, lost), int(lost > 0)),)

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        with np.errstate(divide="ignore"):
            kept = step_up(self.ratio * step_up(np.exp(log_f), 2), int(self.ratio != 1))
            gain = np.log(step_up(kept + self.lost, int(self.lost != 0)))
        return np.minimum(np.maximum(step_up(gain, 3), log_f), 0)

    def kl(self) -> float:
        """Return infinity if ``rho`` has mass outside the support of ``mu``; see `PrivacyLoss.kl`."""
        if self.lost > 0:
            return np.inf
        return 0.0 if self.ratio == 1 else max(0.0, float(step_up(np.log(self.ratio), 2)))
