"""Privacy loss of uniform noise: 0 on the common support, infinite outside."""

from fractions import Fraction

import numpy as np

from smoothing.numerics.rounding import Float, step_up
from smoothing.privacy_loss.privacy_loss import Coordinates, PrivacyLoss
from smoothing.privacy_loss.step import LEAST_PROBABILITY


class OverlapLoss(PrivacyLoss):
    """The loss with ``G(f) = f + lost``; ``lost`` is the ``rho`` mass outside ``mu``'s support (THEORY.md section 2).

    Args:
        lost: Mass outside the support, within [0, 1], rounded up.
    """

    def __init__(self, lost: float) -> None:
        self.lost = lost

    def coordinates(self) -> Coordinates:
        """Return one coordinate: seen under both laws, under ``mu`` alone, or under ``rho`` alone."""
        lost = Fraction(self.lost) and max(Fraction(self.lost), LEAST_PROBABILITY)
        return (((1 - lost, lost, 0), (1 - lost, 0, lost), int(lost > 0)),)

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        with np.errstate(divide="ignore"):
            gain = np.log(step_up(np.exp(log_f), 2) + self.lost)
        return np.minimum(np.maximum(step_up(gain, 3), log_f), 0)

    def kl(self) -> float:
        """Return infinity unless the supports agree; see `PrivacyLoss.kl`."""
        return np.inf if self.lost > 0 else 0.0
